"""A time limit for many operations at once, at the price of none: `asyncio.timeout` arms a timer for each."""

import asyncio
from types import TracebackType
from typing import Self


class Deadlines:
    """Gives each block `seconds`, after which it is cancelled and raises `TimeoutError`.

    As all have the same time, who began first is due first: one timer, set to the eldest, serves them all.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._running: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> "Deadline":
        """Returns a `with` block around what the current task awaits."""
        loop = asyncio.get_running_loop()
        deadline = Deadline(self._running, loop.time() + self._seconds)
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._timer = loop.call_at(deadline.at, self._look, loop)
        return deadline

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        due = []
        for deadline in self._running:
            if deadline.at > loop.time():
                self._timer = loop.call_at(deadline.at, self._look, loop)
                break
            due.append(deadline)
        for deadline in due:
            deadline.expire()


class Deadline:
    """The limit of one block; the same rules of cancellation as those of `asyncio.timeout`."""

    __slots__ = ("_cancelling", "_expired", "_running", "_task", "at")

    def __init__(self, running: "dict[Deadline, None]", at: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A deadline needs a task to cancel")
        self.at = at
        self._running = running
        self._task = task
        self._cancelling = task.cancelling()
        self._expired = False

    def expire(self) -> None:
        del self._running[self]
        self._expired = True
        self._task.cancel()

    def __enter__(self) -> Self:
        self._running[self] = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._expired:
            del self._running[self]
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
