from __future__ import annotations

from graphkit.evaluation import METRICS, PROTOCOLS
from graphkit.evaluation.references import load_references, lookup, published

MODELS = {"gcn", "gat", "gatv2", "sage", "sgc", "dagnn", "sir-gcn", "cognn", "gat-sep"}


def test_every_row_is_complete_and_a_fraction() -> None:
    rows = load_references()
    assert len(rows) > 40
    for row in rows:
        assert row.model in MODELS and row.protocol in PROTOCOLS and row.metric in METRICS, row
        assert 0.4 < row.mean <= 1 and (row.std is None or 0 < row.std < 0.05), row
        assert row.setting and row.source and row.url.startswith("https://"), row


def test_no_row_is_listed_twice() -> None:
    keys = [(row.dataset, row.model, row.protocol, row.setting) for row in load_references()]
    assert len(keys) == len(set(keys))


def test_lookup_puts_the_plain_model_first() -> None:
    found = lookup("minesweeper", "gcn", "heterophilous-10")
    assert [row.mean for row in found] == [0.8975, 0.9786]
    assert lookup("minesweeper", "sage", "heterophilous-10")[0].std == 0.0057
    assert lookup("cora", "gat", "geom-gcn-10") == []


def test_published_values_come_best_first() -> None:
    means = [entry.mean for entry in published("minesweeper", "heterophilous-10", "roc-auc")]
    assert len(means) > 3 and means == sorted(means, reverse=True)
    assert published("minesweeper", "heterophilous-10", "accuracy") == []
