"""One of Tessera's own programs as a part: the API, the consumers."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from devtools.embedded import ChildProcess, EmbeddedError

READY_SECONDS = 60.0


class Program:
    """`python -m …` with its log; its environment is asked for at every start."""

    def __init__(
        self,
        name: str,
        module: Sequence[str],
        log: Path,
        *,
        environment: Callable[[], Mapping[str, str]],
        ready: Callable[[], bool],
        uri: str = "",
    ) -> None:
        self.name = name
        self.uri = uri
        self._command = [sys.executable, "-m", *module]
        self._log = log
        self._environment = environment
        self._ready = ready
        self._child: ChildProcess | None = None

    @property
    def child(self) -> ChildProcess:
        if self._child is None:
            raise EmbeddedError(f"{self.name} was not started")
        return self._child

    def start(self) -> Self:
        """Start and wait until it is ready. Raises `EmbeddedError` with the end of its log."""
        self._child = child = ChildProcess(self.name, self._command, self._log, environment=self._environment())
        child.start()
        try:
            child.wait_until(self._ready, READY_SECONDS)
        except EmbeddedError:
            child.stop()
            raise
        return self

    def stop(self) -> None:
        """Let it finish what is in flight and end."""
        if self._child:
            self._child.stop(timeout=30)
