"""Subgraph encoders on BREC by reliable paired comparison: the first pairs of every group unless told otherwise.

Wang and Zhang, An Empirical Study of Realized GNN Expressiveness, ICML 2024 (arXiv 2304.07702). `--share 1` takes all
400 pairs, which is hours on a processor; what each encoder can reach at best is in docs/expressiveness.md.
"""

import argparse

from graphkit import run_cell
from graphkit.bench.models import load_model
from graphkit.data.cards import load_card

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--models", default="gin,ds,dss", help="also sun, gnn-ak, spen, kl-gnn, ngn")
    parser.add_argument("--share", type=float, default=0.02, help="share of every group")
    args = parser.parse_args()
    for model in args.models.split(","):
        spec = load_model(model).spec(load_card("brec"), "brec-rpc").merged({"limit": args.share})
        result = run_cell(spec, model_name=model)
        told, pairs = result.evaluation["separated"], result.evaluation["pairs"]
        groups = ", ".join(f"{group} {told[group]}/{pairs[group]}" for group in told)
        print(f"{model}: test accuracy {result.test:.4f} ± 0 ({groups}; unreliable {result.evaluation['unreliable']})")
