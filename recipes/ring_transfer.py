"""How far does information travel? Accuracy on ring transfer by the distance of source and target.

Di Giovanni et al., On Over-Squashing in Message Passing Neural Networks (arXiv 2302.02941). A network of four layers of
messages sees four edges far: beyond, it guesses (20 %). A state space that reads the ring in a canonical order, and
attention over all nodes, do not care. Graphs are drawn by graphkit; `--plot` needs matplotlib.
"""

import argparse
from dataclasses import replace

from graphkit.bench.models import load_model
from graphkit.data import load_card
from graphkit.training import run_cell


def run(model: str, distance: int, graphs: int, epochs: int) -> float:
    """Returns the test accuracy at one distance."""
    spec = load_model(model).spec(load_card("ring-transfer"), "generator")
    spec = spec.merged({"data": {"options": {"distance": distance, "graphs": graphs}}, "train": {"epochs": epochs}})
    return run_cell(replace(spec, seed=0)).test


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", nargs="+", default=["gcn-tuned", "gps", "graph-mamba"])
    parser.add_argument("-d", "--distances", type=int, nargs="+", default=[2, 4, 8, 16, 50])
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--plot", help="where to write a picture")
    args = parser.parse_args()
    found = {model: [] for model in args.models}
    for distance in args.distances:
        for model in args.models:
            found[model].append(run(model, distance, args.graphs, args.epochs))
            print(f"distance {distance:3}  {model:<12} test accuracy {found[model][-1]:.4f}", flush=True)
    if args.plot:
        from matplotlib import pyplot

        for model, accuracy in found.items():
            pyplot.plot(args.distances, accuracy, marker="o", label=model)
        pyplot.xlabel("edges between source and target")
        pyplot.ylabel("test accuracy")
        pyplot.legend()
        pyplot.savefig(args.plot, dpi=150)
