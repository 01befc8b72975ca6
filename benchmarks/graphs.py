"""Batches of whole graphs a second: slices of one flat dataset beside PyG's `DataLoader` and `Batch`, in one run.

    python benchmarks/graphs.py                    # NCI1 and ogbg-molhiv, batches of 32 and 128
    python benchmarks/graphs.py -d nci1 --rounds 5 --json out.json

Both sides serve the same graphs in a new random order with x, edge_index, edge_attr, y, batch and ptr. Sides run in
alternation on one thread, timed in processor seconds, so that whatever else the machine does counts less. PyG's side
holds its graphs as a list of `Data` in memory, its fastest form. The datasets need their published files.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import torch
from torch_geometric.loader import DataLoader

from graphkit import load_dataset
from graphkit.sampling import GraphBatches


def measure(name: str, batch_size: int, rounds: int, most: int) -> dict[str, object]:
    dataset = load_dataset(name)
    count = min(dataset.num_graphs, most)
    graphs = [dataset.graph(index) for index in range(count)]
    loader = DataLoader(graphs, batch_size=batch_size, shuffle=True)
    ours = GraphBatches(dataset.data, range(count), batch_size, level="graph")
    theirs = next(iter(DataLoader(graphs[:batch_size], batch_size=batch_size)))
    mine = next(iter(GraphBatches(dataset.data, range(count), batch_size, level="graph").epoch()))
    for key in ("x", "edge_index", "y", "batch", "ptr", *(["edge_attr"] if "edge_attr" in theirs else [])):
        assert torch.equal(mine[key], theirs[key]), key
    best = {"graphkit": float("inf"), "pyg": float("inf")}
    for number in range(rounds):
        for side, batches in (("graphkit", ours.epoch(number)), ("pyg", loader)):
            start = time.process_time()
            for _ in batches:
                pass
            best[side] = min(best[side], time.process_time() - start)
    return {
        "dataset": name,
        "graphs": count,
        "batch_size": batch_size,
        "graphs_per_second": {side: round(count / seconds) for side, seconds in best.items()},
        "ratio": round(best["pyg"] / best["graphkit"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--datasets", default="nci1,ogbg-molhiv")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=20_000, help="most graphs of a dataset")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in args.datasets.split(","):
        for batch_size in (32, 128):
            rows.append(measure(name, batch_size, args.rounds, args.most))
            found = rows[-1]
            print(f"{name}, batches of {batch_size}: {found['graphs_per_second']}, ratio {found['ratio']}", flush=True)
    if args.json:
        machine = {"machine": platform.machine(), "torch": torch.__version__, "threads": 1}
        args.json.write_text(json.dumps({**machine, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
