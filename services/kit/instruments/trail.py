"""Where the time of one request went, told when it took long: each phase lasts from the end of the one before it."""

from contextvars import ContextVar
from time import perf_counter


class Trail:
    """The phases that a request has passed, each with its seconds; one that comes again adds up."""

    __slots__ = ("_last", "phases")

    def __init__(self) -> None:
        self._last = perf_counter()
        self.phases: dict[str, float] = {}

    def passed(self, phase: str) -> None:
        """Note that a phase has ended."""
        now = perf_counter()
        self.phases[phase] = self.phases.get(phase, 0.0) + now - self._last
        self._last = now

    @property
    def milliseconds(self) -> dict[str, float]:
        """The phases in their order, for the log."""
        return {phase: round(seconds * 1000, 1) for phase, seconds in self.phases.items()}


TRAIL: ContextVar[Trail | None] = ContextVar("trail", default=None)
"""That of the request that is being served."""


def passed(phase: str) -> None:
    """Note that the request being served has come through a phase, where that is kept."""
    trail = TRAIL.get()
    if trail is not None:
        trail.passed(phase)
