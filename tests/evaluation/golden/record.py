"""Records what py-tgb and tgb-seq answer on 1,000 random cases with ties, so that parity is tested without them.

    pip install py-tgb==2.3.0 tgb-seq==0.1.2
    python tests/evaluation/golden/record.py

Inputs and answers go to `temporal_evaluators.npz` beside this file. Scores are small whole numbers, so ties abound and
the file stays small; case i has `levels[i % 5]` different scores.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
from tgb.linkproppred.evaluate import Evaluator as LinkEvaluator
from tgb.nodeproppred.evaluate import Evaluator as NodeEvaluator
from tgb_seq.LinkPred.evaluator import Evaluator as SequentialEvaluator

CASES, ROWS, CANDIDATES = 1000, 6, 20
LEVELS = np.array([1, 2, 4, 16, 100])

generator = np.random.default_rng(20240817)
levels = LEVELS[np.arange(CASES) % len(LEVELS)]
pos = generator.integers(levels[:, None], size=(CASES, ROWS)).astype(np.int8)
neg = generator.integers(levels[:, None, None], size=(CASES, ROWS, CANDIDATES)).astype(np.int8)
shape = (CASES, ROWS, CANDIDATES)
relevance = (generator.integers(1, 50, size=shape) * (generator.random(shape) < 0.2)).astype(np.int8)
relevance[::7, 0] = 0  # a query without relevant candidates

link, node, sequential = LinkEvaluator("tgbl-wiki"), NodeEvaluator("tgbn-trade"), SequentialEvaluator()


def ask_link(positives: np.ndarray, negatives: np.ndarray) -> dict[str, float]:
    return link.eval({"y_pred_pos": positives, "y_pred_neg": negatives, "eval_metric": ["mrr"]})


answers = [ask_link(p, n) for p, n in zip(pos.astype(np.float32), neg.astype(np.float32), strict=True)]
ndcg = [
    node.eval({"y_true": r, "y_pred": s, "eval_metric": ["ndcg"]})["ndcg"]
    for r, s in zip(relevance.astype(float), neg.astype(float), strict=True)
]
nan, ramp = np.full(5, np.nan, dtype=np.float32), np.arange(5, dtype=np.float32)
np.savez_compressed(
    Path(__file__).with_name("temporal_evaluators.npz"),
    versions=np.array([f"{name} {version(name)}" for name in ("py-tgb", "tgb-seq", "numpy")]),
    pos=pos,
    neg=neg,
    relevance=relevance,
    tgb_mrr=np.array([answer["mrr"] for answer in answers], dtype=np.float64),
    tgb_hits_10=np.array([answer["hits@10"] for answer in answers], dtype=np.float64),
    tgb_ndcg_10=np.array(ndcg),
    tgb_seq_reciprocal_ranks=np.stack([sequential.eval(p, n) for p, n in zip(pos, neg, strict=True)]),
    # Where they answer and graphkit refuses: a diverged model, and one list of negatives for five positives.
    tgb_mrr_of_nan=ask_link(nan, np.zeros((5, 9), dtype=np.float32))["mrr"],
    tgb_seq_of_nan=sequential.eval(nan, np.zeros((5, 9), dtype=np.float32)),
    tgb_mrr_of_broadcast=ask_link(ramp, ramp)["mrr"],
)
