"""One benchmark cell of labels of nodes that change in time: forecast, compare, then show."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from graphkit.config import RunSpec
from graphkit.data.node_labels import NodeEventDataset
from graphkit.errors import ConfigError
from graphkit.evaluation import PROTOCOLS, Result, ndcg_at
from graphkit.scorers import SCORERS
from graphkit.scorers.label_history import LabelForecaster
from graphkit.training.loop import Event
from graphkit.training.options import typed_options
from graphkit.training.record import record_of
from graphkit.training.scoring import loaded


def score_node_stream(
    spec: RunSpec,
    folder: Path | None = None,
    *,
    model_name: str = "",
    on_event: Callable[[Event], None] = lambda event: None,
) -> Result:
    """Forecasts every label from those before it and returns the record; arguments and errors as in `run_cell`.

    At each time of labels all labelled nodes are forecast at once, then their labels are shown. The value is the mean
    over times of the mean over nodes of NDCG@K.

    Example:
        >>> spec = RunSpec().with_overrides(["data.name=drifting-affinities", "scorer.name=last-label"])
        >>> score_node_stream(spec).test > 0.5
        True
    """
    dataset = loaded(spec)
    if not isinstance(dataset, NodeEventDataset):
        raise ConfigError(f"dataset {spec.data.name} is a {dataset.card.task} task, without labels that change in time")
    protocol = PROTOCOLS[spec.protocol or dataset.card.protocols[0]]
    metric = protocol.metric_for(dataset.card.metric)
    cut = re.fullmatch(r"ndcg@(\d+)", metric)
    if cut is None:
        raise ConfigError(f"{dataset.name}: labels of nodes are compared by ndcg@K, not {metric}")
    cls = SCORERS.get(spec.scorer.name)
    if not issubclass(cls, LabelForecaster):
        raise ConfigError(f"scorer {spec.scorer.name!r} forecasts no labels of nodes; last-label and label-average do")
    model = cls(**typed_options(cls, spec.scorer.options, what="scorer", name=spec.scorer.name))
    index = protocol.split_index(spec.seed) if spec.data.split is None else spec.data.split
    split, labels = dataset.split(protocol.id, index), dataset.labels
    rows = dataset.label_rows(split)
    on_event({"event": "start", "parameters": 0, "epochs": 0})
    started = time.perf_counter()
    model.fit(dataset.num_nodes, labels.num_classes)
    found: dict[str, list[float]] = {"valid": [], "test": []}
    for start, stop in zip(labels.moments[:-1], labels.moments[1:], strict=True):
        if start >= rows["test"].stop:
            break
        own = slice(int(start), int(stop))
        truth, nodes = labels.dense(own), labels.node[own]
        for part, values in found.items():
            if rows[part].start <= start < rows[part].stop:
                values.append(ndcg_at(int(cut[1]), model.predict(nodes), truth, empty="zero").value)
        model.observe(nodes, truth)
    valid, test = (float(np.mean(found[part])) for part in ("valid", "test"))
    on_event({"event": "tested", "test": test, "valid": valid})
    return record_of(
        spec,
        dataset,
        protocol,
        metric,
        model_name or spec.scorer.name,
        split=index,
        test=test,
        valid=valid,
        split_sha256=split.sha256,
        evaluation={
            "deterministic": True,
            "label_times": {part: len(values) for part, values in found.items()},
            "label_rows": {part: rows[part].stop - rows[part].start for part in found},
        },
        parameters=0,
        eval_seconds=time.perf_counter() - started,
    )
