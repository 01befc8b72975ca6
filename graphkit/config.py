"""A run, fully specified: frozen dataclasses, read from TOML and ``--set a.b=c``, with a stable hash.

Every key is typed. An unknown key is an error that suggests the right one, and two runs with equal values have equal
hashes whatever order their keys were written in.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from graphkit.errors import ConfigError, UnknownNameError

Options = Mapping[str, Any]
Spec = TypeVar("Spec")


@dataclass(frozen=True)
class DataSpec:
    """Which graph, and how it is prepared before a model sees it."""

    name: str = ""
    """Name of a dataset card (`graphkit ls datasets`)."""
    split: int | None = None
    """Which of the protocol's splits; None takes split `seed mod number of splits`."""
    features: Literal["raw", "row"] = "raw"
    """`row` divides every feature row by its sum, as the Planetoid papers do."""
    undirected: bool = False
    """Adds the reverse of every edge and drops duplicates."""
    largest_component: bool = False
    """Keeps the largest connected component only."""
    batch_size: int = 0
    """Seed nodes (or whole graphs, on many-graph datasets, or links) a step; 0 trains on everything at once."""
    fanout: tuple[int, ...] = ()
    """Neighbours sampled per hop for mini-batches of nodes; -1 takes all."""
    inputs: str = "features"
    """What a model reads of a node: its `features`, a row of `ones`, the vectors of a node embedding (`graphkit ls
    embeddings`), or several side by side (`features+fastrp`); on links also `embedding`, a learned row that starts
    orthogonal."""
    input_channels: int = 0
    """Width of every part of the inputs but the features; and of embedded categories (atoms, bonds), where 0 takes the
    encoder's `hidden_channels`."""
    input_options: Options = field(default_factory=dict)
    """Constructor arguments of the node embedding among the inputs."""
    edge_features: bool = False
    """Gives a model of graphs the features of edges, which its encoder has to take."""
    budget_mb: int = 1024
    """Most memory, in 10^6 bytes, that the arrays of one structural transform (paths, bags of subgraphs) may take."""
    options: Options = field(default_factory=dict)
    """Arguments of a built-in generator, for example `k` of dictionary-lookup."""


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder, and its constructor's arguments."""

    name: str = ""
    """Name of an encoder (`graphkit ls encoders`)."""
    options: Options = field(default_factory=dict)
    """Constructor arguments by name; checked against the encoder's signature."""


@dataclass(frozen=True)
class ScorerSpec:
    """Which model without training, in place of an encoder."""

    name: str = ""
    """Name of a scorer (`graphkit ls scorers`); empty where an encoder is trained."""
    options: Options = field(default_factory=dict)
    """Constructor arguments by name; checked against the scorer's signature."""


@dataclass(frozen=True)
class EmbeddingSpec:
    """Which node embedding, in place of an encoder, and the linear probe that reads labels off it."""

    name: str = ""
    """Name of an embedding (`graphkit ls embeddings`); empty where an encoder is trained."""
    options: Options = field(default_factory=dict)
    """Constructor arguments by name; checked against the embedding's signature."""
    c: float = 1.0
    """Inverse of the penalty of the logistic regression; fixed beforehand, because F1 moves by 2 points with it."""


@dataclass(frozen=True)
class HeadSpec:
    """What turns node states into scores."""

    name: str = "identity"
    """Of nodes: `identity` (the encoder's last layer already has one output a class), `linear` or `mlp`. Of links: a
    pair head, such as `dot`, `bilinear`, `hadamard-mlp` or `ncn`. Of graphs: `graph`, with the option `readout`;
    of links inside many graphs: `dot`, `bilinear` or `hadamard-mlp`."""
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class TrainSpec:
    """How the parameters are fitted, when training stops, and which epoch is kept."""

    epochs: int = 200
    """Upper bound on passes over the training nodes."""
    optimizer: Literal["adam", "adamw"] = "adam"
    lr: float = 0.01
    """Learning rate."""
    head_lr: float = 0.0
    """Learning rate of the head of a link model; 0 takes `lr`."""
    weight_decay: float = 0.0
    """L2 penalty (adam) or decoupled decay (adamw)."""
    weight_decay_scope: Literal["all", "first", "weights"] = "all"
    """`first`: the first layer only (GCN); `weights`: matrices only, no biases or norms, and no
    decay rates of state spaces, which the authors of Mamba except; Graph-Mamba's program decays them: `all`."""
    schedule: Literal["constant", "cosine", "plateau", "step"] = "constant"
    warmup_epochs: int = 0
    """Linear warm-up of the learning rate."""
    step_epochs: int = 100
    """Epochs between two falls of the rate, by `step_factor` each (`step`)."""
    step_factor: float = 0.5
    plateau_patience: int = 10
    plateau_factor: float = 0.5
    clip_norm: float = 0.0
    """Gradient-norm clip; 0 is off."""
    stop: Literal["never", "patience", "loss-above-mean"] = "never"
    """`patience`: no better selection value for `patience` epochs. `loss-above-mean`: validation loss above the mean of
    the last `patience` losses (DAGNN)."""
    patience: int = 100
    min_epochs: int = 0
    """The stop rule is not looked at before this epoch."""
    select: Literal["valid-metric", "valid-loss", "valid-metric-or-loss", "last"] = "valid-metric"
    """Which epoch's weights are tested. `valid-metric-or-loss` (GAT): an epoch counts as progress when either improves,
    and the weights are kept when both are at least as good as before."""
    eval_every: int = 1
    """Epochs between two looks at the validation nodes."""
    norm_statistics: Literal["running", "exact"] = "running"
    """Of batch normalisations in evaluation: moving averages over steps, or those of the training examples under the
    weights at hand, computed before every look at the validation nodes (another pass over the training examples)."""
    remove_targets: bool = True
    """Takes the links of a batch out of the graph that its messages pass along (links)."""
    negatives: Literal["non-links", "published", "historical"] = "non-links"
    """Training negatives of links: drawn anew every epoch among pairs that are no message links (on streams: among the
    destinations but the true one), or the split's own. `historical` draws half of them among the source's earlier
    partners (streams)."""
    negative_count: int = 1
    """Negatives a training event of a stream, or a link inside one of many graphs; links of one graph have one."""
    loss: Literal["bce", "softmax", "bpr"] = "bce"
    """Loss of streams: binary cross entropy, cross entropy of the true one among its negatives, or -log sigmoid of the
    difference to each (links: `bce`)."""
    batching: Literal["events", "t-batch"] = "events"
    """How a stream's training events are cut: in order, or so that no node is twice in a batch (`t-batch`, JODIE), at
    most `data.batch_size` at once. The loss of a t-batch is its sum over `data.batch_size`, so that every event weighs
    the same however the batches fall."""
    drop_last: bool = False
    """Leaves out an epoch's last, smaller batch of links."""
    reweight: float = 0.0
    """Edge weights that raise the Topological Concentration of nodes (links): how much weight is added at a node, as a
    multiple of what it has; 0 is off."""
    reweight_from: int = 1
    """First epoch with such weights."""
    reweight_every: int = 1
    """Epochs between two updates of them."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Anything but float32 runs under autocast."""
    device: str = "cpu"
    deterministic: bool = True
    """Asks torch for deterministic algorithms."""
    compile: bool = False
    """Wraps the model in torch.compile."""

    def __post_init__(self) -> None:
        for name in ("epochs", "eval_every", "step_epochs", "reweight_every", "negative_count"):
            if getattr(self, name) < 1:
                raise ConfigError(f"train.{name} must be at least 1, got {getattr(self, name)}")
        for name in ("lr", "head_lr", "weight_decay", "clip_norm", "reweight", "step_factor", "plateau_factor"):
            if getattr(self, name) < 0:
                raise ConfigError(f"train.{name} must not be negative, got {getattr(self, name)}")


@dataclass(frozen=True)
class RunSpec:
    """One benchmark cell: data + model (encoder, head and training, a scorer, or an embedding) under a protocol.

    A specification is for one seed.
    """

    data: DataSpec = field(default_factory=DataSpec)
    encoder: EncoderSpec = field(default_factory=EncoderSpec)
    head: HeadSpec = field(default_factory=HeadSpec)
    train: TrainSpec = field(default_factory=TrainSpec)
    scorer: ScorerSpec = field(default_factory=ScorerSpec)
    """A model that needs no training; then encoder, head and train do not count."""
    embedding: EmbeddingSpec = field(default_factory=EmbeddingSpec)
    """Vectors learnt from the edges alone; then encoder, head and train do not count."""
    protocol: str = ""
    """Protocol id (`graphkit ls protocols`); empty takes the dataset card's first."""
    seed: int = 0
    limit: float = 1.0
    """Fraction of the epochs to run; anything below 1 stamps the result `partial`."""
    tuning: Options = field(default_factory=dict)
    """How the settings were found, where a search did (`graphkit bench run --tune`); for the record alone."""

    def to_dict(self) -> dict[str, Any]:
        """Returns plain nested dictionaries, ready for JSON."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def hash(self) -> str:
        """Returns a sha256 hex digest that equal specs share, whatever the order of their keys."""
        return stable_hash(self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunSpec:
        """Builds a spec from nested dictionaries; unknown keys and wrong types raise."""
        return _build(cls, values, "")

    @classmethod
    def from_toml(cls, path: Path | str) -> RunSpec:
        """Reads a spec from a TOML file."""
        return cls.from_dict(read_toml(path))

    def merged(self, values: Mapping[str, Any]) -> RunSpec:
        """Returns a copy with nested `values` laid over this spec."""
        return RunSpec.from_dict(_merge(self.to_dict(), values))

    def with_overrides(self, assignments: Iterable[str]) -> RunSpec:
        """Returns a copy with ``a.b=c`` assignments applied, as `--set` does.

        Example:
            >>> RunSpec().with_overrides(["train.lr=0.1"]).train.lr
            0.1
        """
        spec = self
        for assignment in assignments:
            spec = spec.merged(parse_assignment(assignment))
        return spec


_HINTS: dict[type[Any], Mapping[str, Any]] = {}


def type_hints(cls: type[Any]) -> Mapping[str, Any]:
    """Returns the types of a class's fields, worked out once: cards and specifications ask for them by the thousand.

    Example:
        >>> type_hints(ScorerSpec)["name"]
        <class 'str'>
    """
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    return _HINTS[cls]


def stable_hash(value: Any) -> str:
    """Returns the sha256 of a value's canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_toml(path: Path | str) -> dict[str, Any]:
    """Reads a TOML file; a missing or malformed one raises ConfigError with the file's name."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no configuration file at {path}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error


def parse_assignment(assignment: str) -> dict[str, Any]:
    """Parses ``a.b=c`` into ``{"a": {"b": c}}``; the value is read as TOML, and as text where that fails."""
    key, equals, text = assignment.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set takes key=value such as train.lr=0.01, got {assignment!r}")
    try:
        value: Any = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for part in reversed(parts):
        value = {part: value}
    return typing.cast(dict[str, Any], value)


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merge(dict(merged[key]), value)
        else:
            merged[key] = value
    return merged


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _build(cls: type[Spec], values: Mapping[str, Any], where: str) -> Spec:
    hints = type_hints(cls)
    for key in values:
        if key not in hints:
            raise UnknownNameError("configuration key", where + key, [where + name for name in hints])
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{where}{key} is a table of settings, got {value!r}; write {where}{key}.NAME = ...")
            arguments[key] = _build(typing.cast(Any, hint), value, f"{where}{key}.")
        else:
            arguments[key] = check_type(value, hint, where + key)
    return cls(**arguments)


def check_type(value: Any, hint: Any, where: str) -> Any:
    """Returns `value` as type `hint`, or raises ConfigError naming the key `where`; so does what is not finite.

    Integers are accepted where floats are due, and lists where tuples are; nothing else is converted.
    """
    origin = typing.get_origin(hint)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} must be a finite number, got {value}")
    if hint is Any:
        return value
    if origin is Literal:
        choices = typing.get_args(hint)
        if value in choices and type(value) in {type(choice) for choice in choices}:
            return value
        if isinstance(value, str):
            raise UnknownNameError(f"value of {where}:", value, [str(choice) for choice in choices])
    elif origin in (Union, types.UnionType):
        for option in typing.get_args(hint):
            try:
                return check_type(value, option, where)
            except ConfigError:
                continue
    elif origin is tuple and isinstance(value, list | tuple):
        element = typing.get_args(hint)[0]
        return tuple(check_type(entry, element, f"{where}[{i}]") for i, entry in enumerate(value))
    elif origin is not None and issubclass(origin, Mapping):
        if isinstance(value, Mapping):
            return types.MappingProxyType({k: check_type(entry, Any, f"{where}.{k}") for k, entry in value.items()})
    elif hint is type(None):
        if value is None:
            return None
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif (hint is bool and isinstance(value, bool)) or (
        isinstance(hint, type) and isinstance(value, hint) and not isinstance(value, bool)
    ):
        return value
    raise ConfigError(f"{where} takes {_name(hint)}, got {value!r} ({type(value).__name__})")


def _name(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return " | ".join(repr(choice) for choice in typing.get_args(hint))
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
