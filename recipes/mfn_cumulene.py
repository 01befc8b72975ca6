"""A matrix-function network hears of the far end of a cumulene; a local network with the same layers does not.

Batatia et al., Equivariant Matrix Function Neural Networks, ICLR 2024 (arXiv 2310.10434), on the GNL data. The energy
of a cumulene depends on the angle between its two ends, and on whether its length is even, out of reach of two layers
with a cutoff of 3 A. Both models have the same local part. Draws both scans (extra `plot`) and prints how far each is
from flat.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from graphkit import RunSpec, load_dataset
from graphkit.seeds import SeedStreams
from graphkit.training import fit
from graphkit.training.systems import SystemFeed, build_system_model, fit_statistics, look, predict, step

DATASET = "gnl-cumulene"
LOCAL = {"hidden_channels": 32, "num_layers": 2, "basis": 12, "cutoff": 3.0}
ENCODERS = {"painn": LOCAL, "mfn": {**LOCAL, "matrices": 4, "poles": 4}}
SCANS = {"cumulene-angle-scan-n12": "dihedral scan, 12 carbons", "cumulene-length-scan-5deg": "length scan"}


def run(model: str, epochs: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Trains one model; returns (energies, predicted energies) of the test configurations and of both scans."""
    dataset = load_dataset(DATASET)
    spec = RunSpec().merged(
        {
            "data": {"name": DATASET, "batch_size": 8},
            "encoder": {"name": model, "options": ENCODERS[model]},
            "head": {"name": "energy", "options": {"energy_weight": 10.0, "forces_weight": 10.0}},
            "train": {"epochs": epochs, "lr": 3e-3, "schedule": "cosine", "clip_norm": 10.0, "eval_every": 5},
        }
    )
    streams = SeedStreams(0)
    built = build_system_model(spec, dataset, streams)
    feed = SystemFeed(dataset, dataset.split(), spec, streams, cutoff=built.encoder.cutoff)
    fit_statistics(built, feed)
    fit(built, feed, spec.train, metric="mae", step=step, look=look)
    predicted, targets, _ = predict(built, feed, "test")
    error = 1000 * np.abs(predicted["forces"] - targets["forces"]).mean()
    print(f"{model}: test forces {error:.1f} meV/A", flush=True)
    found = {}
    subsets = dataset.raw.facts["subsets"]
    for name in SCANS:
        batch = feed.batch(np.flatnonzero(dataset.raw.systems["subset"] == subsets.index(name)))
        energy = built(batch.points)["energy"].detach().numpy()
        points = batch.points
        base = built.head.reference(points.z, points.system, points.num_systems).numpy()  # what the formula explains
        atoms = torch.diff(points.ptr).numpy()
        found[name] = ((batch.targets["energy"].numpy() - base) / atoms, (energy - base) / atoms)
    return found


def draw(results: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]], path: Path) -> None:
    """Draws both scans, energies an atom around their mean."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4))
    for axis, (scan, title) in zip(axes, SCANS.items(), strict=True):
        due = next(iter(results.values()))[scan][0]
        axis.plot(1000 * (due - due.mean()), "k.-", label="reference")
        for model, found in results.items():
            axis.plot(1000 * (found[scan][1] - due.mean()), label=model)
        axis.set(title=title, xlabel="configuration", ylabel="energy, meV an atom")
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", nargs="+", choices=ENCODERS, default=list(ENCODERS))
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--plot", type=Path, help="file of the drawing, such as cumulene.png")
    arguments = parser.parse_args()
    results = {model: run(model, arguments.epochs) for model in arguments.models}
    for model, found in results.items():
        for scan, title in SCANS.items():
            due, guess = found[scan]
            print(
                f"{model}: {title}: spread {1000 * np.ptp(guess):.2f} of {1000 * np.ptp(due):.2f} meV an atom, ", end=""
            )
            print(f"correlation {np.corrcoef(due, guess)[0, 1]:.3f}")
    if arguments.plot:
        draw(results, arguments.plot)
