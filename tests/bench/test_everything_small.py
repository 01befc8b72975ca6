"""The suite of everything names every reader, head and encoder, or an exception with its reason."""

from __future__ import annotations

from graphkit.bench.suites import load_suite
from graphkit.data.cards import load_card
from graphkit.data.readers import READERS
from graphkit.data.tasks import card_under, kind_of
from graphkit.embeddings import EMBEDDINGS
from graphkit.encoders.families import FAMILIES
from graphkit.heads import GRAPH_HEADS, PAIR_HEADS, POINT_HEADS, STREAM_HEADS
from graphkit.registry import Registry
from graphkit.scorers import SCORERS
from graphkit.training.tasks import NODE_HEADS, RUNNERS, STATE_HEADS, model_part

NO_SMALL_FILES = {
    "contact-tensors": "download only; the task runs on far-links",
    "dyglib-csv": "enron needs a download of its own",
    "events-table": "reads a user's own csv or parquet, no dataset of ours",
    "npz-molecules": "the mirror holds ethanol as extxyz",
    "ogb-node": "ogbn-arxiv, the smallest, has 169,343 nodes",
    "qm7": "download only",
    "qm9": "download only",
    "superpixels": "download only",
    "tgb-csv": "the smallest has 4.9 million events",
    "tgb-node": "the smallest needs a download; the task runs on drifting-affinities",
    "tgb-seq": "download only",
    "zinc": "the mirror lacks the training graphs",
}
JOBS = load_suite("everything-small").jobs()


def kind(job: object) -> str:
    spec = job.spec  # type: ignore[attr-defined]
    return kind_of(card_under(load_card(spec.data.name), spec.protocol)).name


def test_readers() -> None:
    read = {load_card(job.dataset).reader for job in JOBS}
    assert set(READERS.names()) - read == set(NO_SMALL_FILES)


def test_models() -> None:
    used = {getattr(job.spec, model_part(job.spec)).name for job in JOBS}
    registries: list[Registry[object]] = [*FAMILIES.values(), SCORERS, EMBEDDINGS]
    shipped = {name for registry in registries for name in registry.names() if registry.target(name)}
    assert not shipped - used  # other tests of this process may have registered classes of their own


def test_heads() -> None:
    of_kind = {
        "node": NODE_HEADS,
        "graph": GRAPH_HEADS.names(),
        "link": PAIR_HEADS.names(),
        "graph-link": STATE_HEADS,
        "system": POINT_HEADS.names(),
        "temporal-link": ("identity", *STREAM_HEADS.names()),
    }
    used = {(kind(job), job.spec.head.name) for job in JOBS if job.spec.encoder.name}
    missing = {name for of, names in of_kind.items() for name in names if (of, name) not in used}
    assert not missing


def test_kinds_of_data_and_models() -> None:
    assert {(kind(job), model_part(job.spec)) for job in JOBS} == set(RUNNERS)


def test_every_cell_is_short() -> None:
    assert all(job.spec.limit < 0.01 and len(job.seeds) == 1 for job in JOBS)
    assert load_suite("everything-small").cell_timeout
