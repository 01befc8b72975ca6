from __future__ import annotations

import pytest

from graphkit.evaluation import PROTOCOLS
from graphkit.evaluation.explain import explain, markdown, rules


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_every_rule_and_trap_is_in_the_words(name: str) -> None:
    protocol, words = PROTOCOLS[name], " ".join(explain(PROTOCOLS[name], 10_000).split())
    assert (
        protocol.hash in words
        and protocol.source in words
        and protocol.metric in words.replace("the dataset", "")
        or protocol.metric == "card"
    )
    for rule in (protocol.negatives, protocol.selection, protocol.aggregation, protocol.seeds, protocol.schedule):
        assert rule in words
    for trap in protocol.traps:
        assert trap.text in words and trap.here in words and all(issue in words for issue in trap.issues)


@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit(width: int) -> None:
    longest = max(len(line) for name in PROTOCOLS for line in explain(PROTOCOLS[name], width).splitlines())
    assert longest <= max(width, 70)  # the hash has no place to break


def test_what_a_protocol_does_not_fix_is_left_out() -> None:
    assert [name for name, _ in rules(PROTOCOLS["geom-gcn-10"])] == [
        *("Task", "Split", "Metric", "Selection", "Aggregation", "Seeds", "Spread")
    ]
    assert dict(rules(PROTOCOLS["tgb-link-batch-1"]))["Batches"].startswith("one positive at a time")
    assert dict(rules(PROTOCOLS["lrgb-original"]))["Budget"] == "at most 500,000 trainable parameters"


def test_pages_link_the_public_threads() -> None:
    assert "(https://github.com/tgm-team/tgm/issues/153)" in markdown(PROTOCOLS["tgb-link"])
