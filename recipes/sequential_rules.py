"""A then B implies C: encoders that know neither identity nor order of events are at chance, others are not.

The motive of TGB-Seq, Yi et al., ICLR 2025 (arXiv 2502.02975). By construction times, counts and sets say nothing of
the answer, so an encoder without features is at 0.5 whatever it learns; it is the identities that are missing, not
the architecture: with learned rows of nodes the same mixer can tell.
"""

import argparse

from graphkit import run_cell
from graphkit.bench.models import load_model
from graphkit.data import load_card
from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.evaluation.statistics import describe

ARMS = ("graphmixer", "dygformer", "craft", "gru-ids", "tgn")


def run(model: str, seed: int, epochs: int, users: int) -> float:
    """Returns the test pair accuracy of one seed, with the settings of the model's card."""
    spec = load_model(model).spec(load_card("sequential-rules"), "stream-generator")
    settings = [f"data.options.users={users}", f"train.epochs={epochs}", "train.loss=softmax", f"seed={seed}"]
    return run_cell(spec.with_overrides(["data.name=sequential-rules", *settings])).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", nargs="*", default=[arm for arm in ARMS if arm in TEMPORAL_ENCODERS])
    parser.add_argument("-n", "--seeds", type=int, default=1)
    parser.add_argument("-e", "--epochs", type=int, default=20)
    parser.add_argument("-u", "--users", type=int, default=1200)
    args = parser.parse_args()
    for model in args.models:
        scores = [run(model, seed, args.epochs, args.users) for seed in range(args.seeds)]
        summary = describe(scores)
        print(
            f"{model}: test pair-accuracy {summary.mean:.4f} ± {summary.std or 0:.4f} ({len(scores)} seeds)", flush=True
        )
