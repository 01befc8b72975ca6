"""Bitcoin OTC and Alpha: whom a trader rates, and whether the rating is positive.

Kumar, Spezzano, Subrahmanian, Faloutsos, Edge Weight Prediction in Weighted Signed Networks, ICDM 2016. No pair comes
twice, so memory of pairs is worth nothing for links and popularity is all (arXiv 2309.15730); for signs the mean of the
ratings that a trader was given says most. Events are shown after their batch of 200 was predicted, signs included; code
that shows them before (SEMBA's) sees the answer.
"""

import argparse

from graphkit import RunSpec, run_cell

LINKS = ("poptrack", "dst-recency", "local-global-recency")
SIGNS = ("node-mean-rating", "mean-rating")


def run(dataset: str, model: str) -> float:
    """Returns the test score of a model without parameters."""
    return run_cell(RunSpec.from_dict({"data": {"name": dataset}, "scorer": {"name": model}})).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-d", "--datasets", nargs="*", default=["bitcoin-otc", "bitcoin-alpha"])
    for dataset in parser.parse_args().datasets:
        for model in SIGNS:
            print(f"{dataset}-sign {model}: test roc-auc {run(f'{dataset}-sign', model):.4f} ± 0 (deterministic)")
        for model in LINKS:
            print(f"{dataset} {model}: test mrr {run(dataset, model):.4f} ± 0 (deterministic)", flush=True)
