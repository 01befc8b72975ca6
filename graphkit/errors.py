"""The errors graphkit raises: every message names the input at fault and the mend.

Each class carries the exit code the command line ends with, so a script can tell bad usage (2) from missing data (3)
and from a failed run (1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GraphkitError(Exception):
    """Base of every error raised on purpose by graphkit."""

    exit_code = 1


class ConfigError(GraphkitError, ValueError):
    """A configuration value is wrong: bad type, bad value, or parts that do not fit together."""

    exit_code = 2


class UnknownNameError(ConfigError, KeyError):
    """A name (dataset, model, protocol, configuration key) does not exist; the nearest ones are suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"unknown {kind} {name!r}{_suggestion(name, self.known)}")

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0])


class RenamedError(ConfigError, KeyError):
    """A name was changed, and with it what it stands for; the new one is given."""

    def __init__(self, kind: str, name: str, now: str) -> None:
        super().__init__(f"{kind} {name!r} is called {now!r} now and has new rules; use that name, and run again")

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0])


class DataError(GraphkitError):
    """Data is missing, damaged, or not what its card promises."""

    exit_code = 3


class ChecksumError(DataError):
    """A file's sha256 differs from the one its card lists."""


class DownloadError(DataError):
    """A file could not be fetched: no network, offline mode, server error, or a truncated transfer."""


class UnsafeArchiveError(DataError):
    """An archive member would be written outside its target folder, or is a link or device."""


class UnsafePickleError(DataError):
    """A pickle names a callable outside the allow-list; nothing of it was executed."""


class CacheError(DataError):
    """The cache folder cannot be used: read-only, no space left, or a lock that is never released."""


class GraphValidationError(DataError, ValueError):
    """A graph breaks its invariants: non-finite features, an edge index out of range, or unlabelled split nodes."""


class ShapeError(GraphkitError, ValueError):
    """Arrays or tensors do not fit each other."""

    exit_code = 2


class ProtocolError(GraphkitError, ValueError):
    """A protocol's rule would be broken: overlapping splits, or results of different protocols mixed."""

    exit_code = 2


class NonFiniteScores(GraphkitError, FloatingPointError):
    """Scores or a loss hold NaN or infinity: the run has failed and has no score."""


class BudgetExceeded(GraphkitError, MemoryError):
    """Arrays would take more memory than they may; nothing was allocated, and the message names the bytes."""

    exit_code = 2


class RunFailed(GraphkitError):
    """A benchmark cell ended without a result."""


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return "; did you mean " + " or ".join(repr(candidate) for candidate in close) + "?"
    if len(known) <= 12:
        return "; known: " + ", ".join(known)
    return ""
