"""What a cell may cost: parameters and time; beyond that it is a failed run with a reason, and the others go on."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphkit.errors import ConfigError, RunFailed

AGAIN_SECONDS = 5.0
"""Time after which a cell that is over its time and still computes is ended again."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one cell.

    Args:
        parameters: most trainable parameters; 0 is no bound.
        seconds: longest time, since the cell was started or resumed; 0 is no bound.

    Example:
        >>> Limits(parameters=1000).check({"event": "start", "parameters": 92373})
        Traceback (most recent call last):
        graphkit.errors.RunFailed: 92,373 parameters are above the bound of 1,000
    """

    parameters: int = 0
    seconds: float = 0.0

    def check(self, event: dict[str, Any]) -> None:
        """Looks at an event of a run as it happens.

        Raises:
            RunFailed: the model is too large.
        """
        count = event.get("parameters", 0) if event["event"] == "start" else 0
        if self.parameters and count > self.parameters:
            raise RunFailed(f"{count:,} parameters are above the bound of {self.parameters:,}")

    @contextlib.contextmanager
    def clock(self) -> Iterator[None]:
        """Ends what runs inside when its time is over; only in the main thread of a process.

        Raises:
            RunFailed: the time was over.
        """
        if not self.seconds:
            yield
            return

        def over(signum: int, frame: Any) -> None:
            raise RunFailed(f"timed out after {self.seconds:g} s; its checkpoint stands")

        before = signal.signal(signal.SIGALRM, over)
        # Again and again: Python drops an exception that meets a finaliser, such as a compiler's.
        signal.setitimer(signal.ITIMER_REAL, self.seconds, AGAIN_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


UNLIMITED = Limits()
"""Whatever a cell takes."""


def count_of(text: str) -> int:
    """Reads `500k`, `1.5M` or `12000` as a count; empty is 0.

    Raises:
        ConfigError: something else.

    Example:
        >>> count_of("500k")
        500000
    """
    number, factor = text.strip(), 1.0
    for suffix, value in (("k", 1e3), ("m", 1e6), ("b", 1e9)):
        if number.lower().endswith(suffix):
            number, factor = number[:-1], value
    try:
        count = float(number) * factor if number else 0.0
    except ValueError as error:
        raise ConfigError(f"a number of parameters is written 12000, 500k or 1.5M, got {text!r}") from error
    if count < 0 or count != int(count):
        raise ConfigError(f"a number of parameters is whole and not negative, got {text!r}")
    return int(count)
