"""One model, one dataset, every guard: which settings are taken, which audit runs, and how the verdict is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graphkit.bench.audit.checks import Check, of_finding
from graphkit.bench.models import GRAPHS, LINKS, POINTS, STREAMS, ModelCard, list_models, load_model
from graphkit.config import RunSpec
from graphkit.data.cards import Card, load_card
from graphkit.data.event_dataset import EventDataset
from graphkit.data.leaks import check_dataset
from graphkit.data.links import LinkDataset
from graphkit.data.load import load_dataset
from graphkit.data.systems import SystemDataset
from graphkit.data.tasks import card_under, kind_of
from graphkit.errors import ConfigError, ProtocolError
from graphkit.evaluation.protocols import PROTOCOLS

_POINT_HEADS = {"graph-autoencoding": "distance", "energy-forces": "energy", "energy": "energy", "dipole": "dipole"}
_KINDS = ("node", "graph", "link", "temporal-link", "system")


@dataclass(frozen=True)
class Audit:
    """What the guards said of one model on one dataset.

    Args:
        model: what was audited.
        dataset: card name; `protocol` and `split` say under which rules.
        checks: one a guard.
    """

    model: str
    dataset: str
    protocol: str
    split: int
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no guard failed."""
        return all(check.passed is not False for check in self.checks)

    def to_payload(self) -> dict[str, Any]:
        """Returns the machine-readable verdict."""
        head = {"schema_version": 1, "model": self.model, "dataset": self.dataset, "protocol": self.protocol}
        checks = [asdict(check) for check in self.checks]
        return {**head, "split": self.split, "passed": self.passed, "checks": checks}

    def __str__(self) -> str:
        verdicts = {True: "pass", False: "FAIL", None: "-"}
        rows = [["guard", "what is changed or looked at", "verdict", "moved"]]
        for check in self.checks:
            size = "" if check.magnitude is None else f"{check.magnitude:.1e}"
            rows.append([check.guard, check.asks, verdicts[check.passed], size])
        lines = [f"{self.model} on {self.dataset} · {self.protocol}, split {self.split}"]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        failed = [check for check in self.checks if check.passed is False]
        lines += [f"{check.guard}: {check.text}" for check in failed]
        idle = [check for check in self.checks if check.guard == "gradient" and check.passed and check.magnitude]
        lines += [f"{check.guard}: {check.text}, {check.magnitude:.1%} of all" for check in idle]
        lines += [f"{check.guard} does not apply: {check.text}" for check in self.checks if check.passed is None]
        asked = sum(check.passed is not None for check in self.checks)
        verdict = f"{len(failed)} of {asked} guards failed" if failed else f"all {asked} guards passed"
        return "\n".join([*lines, verdict])


def audit(model: str, dataset: str, *, protocol: str = "", overrides: Sequence[str] = ()) -> Audit:
    """Asks every guard that applies to an encoder on a dataset, and returns what they said.

    Models are untrained, but for the two short trainings that look for labels. An encoder of one's own is
    `module:Class`, built and called as PyG's layers are; or a subclass of `PointEncoder` or `TemporalEncoder`.

    Args:
        model: a model card, an encoder, or `module:Class`.
        dataset: card name.
        protocol: protocol id; empty takes the card's first.
        overrides: `a.b=c` assignments over the model's settings.

    Raises:
        UnknownNameError: no such model, dataset or setting.
        ConfigError: the model is no encoder, cannot be built, or the dataset's kind has no audit.
        ProtocolError: the dataset has no such protocol.

    Example:
        >>> audit("gcn", "karate").passed
        True
    """
    card = load_card(dataset)
    protocol = protocol or card.protocols[0]
    if protocol not in card.protocols:
        raise ProtocolError(f"dataset {dataset!r} has no protocol {protocol!r}; it has {', '.join(card.protocols)}")
    seen = card_under(card, protocol)
    kind = kind_of(seen).name
    if kind not in _KINDS:
        raise ConfigError(f"dataset {dataset} is a {card.task} task; audits are for {', '.join(_KINDS)} datasets")
    spec = _spec(model, seen, protocol, kind).with_overrides(overrides)
    if not spec.encoder.name:
        raise ConfigError(f"model {model!r} is no encoder; audits are for encoders (`graphkit ls encoders`)")
    index = PROTOCOLS[protocol].split_index(spec.seed) if spec.data.split is None else spec.data.split
    return Audit(model, dataset, protocol, index, tuple(_checks(spec, index)))


def _spec(model: str, card: Card, protocol: str, kind: str) -> RunSpec:
    """Returns the settings of a model; those of one's own encoder depend on the kind of the dataset alone."""
    if ":" not in model or model in list_models():
        return load_model(model).spec(card, protocol)
    settings: dict[str, Any] = {**load_model(model).default, "encoder": {"name": model}}
    if kind == "system":
        settings |= {**POINTS, "head": {"name": _POINT_HEADS.get(card.task, "position")}}
    elif kind == "temporal-link":
        from graphkit.encoders.temporal import TEMPORAL_ENCODERS

        settings |= STREAMS
        if getattr(TEMPORAL_ENCODERS.get(model), "pair", False):
            settings["head"] = {"name": "identity"}
    elif kind in ("link", "graph"):
        settings |= LINKS if kind == "link" else GRAPHS
    return ModelCard(model, model, "", settings).spec(card, protocol)


def _checks(spec: RunSpec, index: int) -> Iterator[Check]:
    data = spec.data
    dataset = load_dataset(
        data.name,
        features=data.features,
        undirected=data.undirected,
        largest_component=data.largest_component,
        options=dict(data.options),
        protocol=spec.protocol,
    )
    if not isinstance(dataset, SystemDataset):
        for found in check_dataset(dataset):
            if (found.protocol, found.index) == (spec.protocol, index):
                yield from (of_finding(finding) for finding in found.findings)
                break
    if isinstance(dataset, SystemDataset):
        from graphkit.bench.audit.points import audit_points

        yield from audit_points(spec, dataset, index)
    elif isinstance(dataset, LinkDataset):
        from graphkit.bench.audit.links import audit_links

        yield from audit_links(spec, dataset, index)
    elif isinstance(dataset, EventDataset):
        from graphkit.bench.audit.streams import audit_stream

        yield from audit_stream(spec, dataset, index)
    else:
        from graphkit.bench.audit.labels import audit_labels

        yield from audit_labels(spec, dataset, index)
