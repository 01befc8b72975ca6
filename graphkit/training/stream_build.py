"""From a RunSpec and what is known of a stream to a model of it; options are checked before anything is built."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from graphkit.config import RunSpec
from graphkit.encoders.temporal import TEMPORAL_ENCODERS
from graphkit.encoders.temporal.base import StreamInfo
from graphkit.errors import ConfigError
from graphkit.heads import STREAM_HEADS
from graphkit.heads.stream import RecencyBranch
from graphkit.seeds import SeedStreams
from graphkit.training.options import typed_options
from graphkit.training.stream_model import Clock, StreamModel


@dataclass(frozen=True)
class StreamHeadOptions:
    """`head.options` of temporal links, whatever the head."""

    recency: bool = False
    """Adds a small network over recency and popularity of the pair to every score."""
    recency_channels: int = 32
    """Width of that network."""
    clock: Clock = "batch"
    """When states of nodes are asked for: at the time of the latest event shown, or at that of each question."""


def build_stream_model(spec: RunSpec, info: StreamInfo, streams: SeedStreams) -> StreamModel:
    """Builds encoder and head for a stream; the weights come from the run's `init` stream.

    Raises:
        UnknownNameError: no such encoder, head or option, with suggestions.
        ConfigError: an option of the wrong type, or a head that does not go with the encoder.

    Example:
        >>> spec = RunSpec().with_overrides(["encoder.name=graphmixer", "head.name=dot"])
        >>> build_stream_model(spec, StreamInfo(5, (0, 4)), SeedStreams(0)).clock
        'batch'
    """
    name = spec.encoder.name
    torch.manual_seed(streams.integer("init"))
    cls = TEMPORAL_ENCODERS.get(name)
    options = typed_options(cls, spec.encoder.options, what="encoder", name=name, skip=("info",))
    encoder = cls(info, **options)
    wanted = StreamHeadOptions(**typed_options(StreamHeadOptions, spec.head.options, what="head", name=spec.head.name))
    if encoder.pair != (spec.head.name == "identity"):
        due = "identity" if encoder.pair else " or ".join(STREAM_HEADS.names())
        what = "scores pairs itself" if encoder.pair else "gives states of nodes"
        raise ConfigError(f"encoder {name!r} {what}, so its head is {due}, not {spec.head.name!r}; set head.name")
    head = None if encoder.pair else STREAM_HEADS.get(spec.head.name)(encoder.out_channels)
    recency = RecencyBranch(wanted.recency_channels) if wanted.recency else None
    return StreamModel(encoder, head, recency, wanted.clock)
