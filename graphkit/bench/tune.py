"""Settings found by search: every trial counts, validation alone decides, and the record says what was spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from graphkit.bench.matrix import Job, encoder_options
from graphkit.config import RunSpec, parse_assignment, read_toml, stable_hash
from graphkit.errors import ConfigError, RunFailed, UnknownNameError
from graphkit.evaluation.metrics import metric_named
from graphkit.evaluation.results import Result

Tuner = Literal["random", "tpe"]
RunTrials = Callable[[Sequence[Job]], Sequence[Result]]
"""Runs jobs and returns their records; a `Runner`'s method."""
Settings = dict[str, Any]
"""Dotted keys of a RunSpec to values, such as `{"train.lr": 0.01}`."""


@dataclass(frozen=True)
class Range:
    """One setting's values: a list, or an interval.

    Args:
        choices: the values; empty for an interval.
        low: least value of an interval; `high` the largest.
        log: whether the interval is drawn from by orders of magnitude.
    """

    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    def draw(self, generator: np.random.Generator) -> Any:
        """Returns a random value."""
        if self.choices:
            return self.choices[int(generator.integers(len(self.choices)))]
        if self.log:
            return float(math.exp(generator.uniform(math.log(self.low), math.log(self.high))))
        return float(generator.uniform(self.low, self.high))


Space = Mapping[str, Range]

_TRAIN: Space = {
    "train.lr": Range(low=5e-4, high=5e-2, log=True),
    "train.weight_decay": Range((0.0, 5e-5, 5e-4, 5e-3)),
}
_ENCODER: Space = {
    "dropout": Range((0.0, 0.2, 0.4, 0.6, 0.8)),
    "hidden_channels": Range((16, 32, 64, 128, 256)),
    "num_layers": Range((2, 3, 4)),
}


def default_space(encoder: str) -> Space:
    """Returns the usual settings of an encoder: rate and decay, and of width, depth and dropout those it has.

    Example:
        >>> sorted(default_space("sgc"))
        ['encoder.options.dropout', 'train.lr', 'train.weight_decay']
    """
    taken = encoder_options(encoder) or ()
    return {**_TRAIN, **{f"encoder.options.{name}": _ENCODER[name] for name in _ENCODER if name in taken}}


def read_space(path: Path | str) -> Space:
    """Reads a space from TOML: a key is a setting, its value a list, or a table with low, high and log.

    Raises:
        ConfigError: a value is neither, or an interval is empty.
    """
    space: dict[str, Range] = {}
    for key, value in _dotted(read_toml(path)).items():
        if isinstance(value, list) and value:
            space[key] = Range(tuple(value))
        elif isinstance(value, dict) and {"low", "high"} <= value.keys() <= {"low", "high", "log"}:
            space[key] = Range(low=float(value["low"]), high=float(value["high"]), log=bool(value.get("log", False)))
            if not (0.0 if space[key].log else -math.inf) < space[key].low < space[key].high:
                raise ConfigError(f"{path}: {key} needs low < high, and low above 0 where log is set")
        else:
            raise ConfigError(f"{path}: {key} must be a list of values, or {{ low = .., high = .., log = true }}")
    if not space:
        raise ConfigError(f"{path} names no setting to tune")
    return space


def tune(job: Job, trials: int, tuner: str, space: Space | None, run: RunTrials) -> Job:
    """Returns a job with the settings that did best on the validation part of the first seed's split.

    The first trial has the settings of the model card, so the search never does worse there. Trials are cells like
    others: run again, they are read instead. Two searches with equal arguments are equal.

    Args:
        job: what to tune; its first seed is every trial's.
        trials: how many settings are tried, the card's included.
        tuner: `random` search, or `tpe` (optuna's tree-structured Parzen estimator; Bergstra et al., NeurIPS 2011).
        space: settings and their values; None takes `default_space`.
        run: runs the trials.

    Returns:
        The job, named `MODEL@TUNER-TRIALS`, whose specification says under `tuning` what was spent.

    Raises:
        ConfigError: a model that is not trained, or fewer than two trials.
        UnknownNameError: no such tuner, or a setting of the space that does not exist.
        RunFailed: every trial failed.
    """
    if tuner not in get_args(Tuner):
        raise UnknownNameError("tuner", tuner, get_args(Tuner))
    if not job.spec.encoder.name:
        raise ConfigError(f"model {job.model!r} is not trained, so there is nothing to tune")
    if trials < 2:
        raise ConfigError(f"a search has at least 2 trials, got {trials}")
    space = default_space(job.spec.encoder.name) if space is None else space
    seed = int(stable_hash([job.dataset, job.model, job.spec.protocol, trials])[:8], 16)
    search = _random(space, trials, seed) if tuner == "random" else _tpe(space, trials, seed)
    best: tuple[float, Settings] | None = None
    settings: Settings | None = next(search)
    while settings is not None:
        value = _value(job, settings, run)
        if value is not None and (best is None or value > best[0]):
            best = value, settings
        try:
            settings = search.send(value)
        except StopIteration:
            settings = None
    if best is None:
        raise RunFailed(f"all {trials} trials of {job.title} failed; look at their logs")
    spent = {"tuner": tuner, "trials": trials, "seed": job.seeds[0], "space": sorted(space)}
    spec = _with(job.spec, best[1]).merged({"tuning": spent})
    return replace(job, model=f"{job.model}@{tuner}-{trials}", spec=spec)


def _value(job: Job, settings: Settings, run: RunTrials) -> float | None:
    """Returns the validation score of one trial, larger is better; None where it failed."""
    trial = replace(job, spec=_with(job.spec, settings), seeds=job.seeds[:1])
    (result,) = run([trial])
    if result.valid is None:
        return None
    return result.valid if metric_named(result.metric).higher_is_better else -result.valid


def _with(spec: RunSpec, settings: Settings) -> RunSpec:
    for key, value in settings.items():
        nested = parse_assignment(f"{key}=0")
        spec = spec.merged(_put(nested, value))
    return spec


def _put(nested: dict[str, Any], value: Any) -> dict[str, Any]:
    return {key: _put(inner, value) if isinstance(inner, dict) else value for key, inner in nested.items()}


Search = Iterator[Settings]


def _random(space: Space, trials: int, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    yield {}
    for _ in range(trials - 1):
        yield {key: span.draw(generator) for key, span in space.items()}


def _tpe(space: Space, trials: int, seed: int) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError("the tuner tpe needs optuna: pip install 'graphkit[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    yield {}
    for _ in range(trials - 1):
        trial = study.ask()
        value = yield {key: _suggest(trial, key, span) for key, span in space.items()}
        study.tell(trial, value, state=optuna.trial.TrialState.FAIL if value is None else None)


def _suggest(trial: Any, key: str, span: Range) -> Any:
    if span.choices:
        return trial.suggest_categorical(key, list(span.choices))
    return trial.suggest_float(key, span.low, span.high, log=span.log)


def _dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        deeper = isinstance(value, dict) and not {"low", "high"} & value.keys()
        found |= _dotted(value, f"{prefix}{key}.") if deeper else {f"{prefix}{key}": value}
    return found
