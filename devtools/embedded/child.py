"""A child process that writes to a log file, is stopped with its group, and does not outlive its parent."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from server import guard

LOG_TAIL = 15
LOG_LIMIT = 8 * 1024 * 1024


class EmbeddedError(Exception):
    """An embedded part cannot be had or did not start; the message is for the person who started it."""


class ChildProcess:
    """One program with its log. `start` and `stop` may follow each other any number of times.

    Start it from a thread that lives as long as the child shall: the kernel ties the two together.
    A session of its own keeps a terminal's Ctrl-C from it, so that its parent can stop all in order.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(word) for word in command]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._begin = 0

    def start(self) -> Self:
        """Start the program; its log grows at the end. Raises `EmbeddedError` if there is no such program."""
        if shutil.which(self._command[0]) is None:
            raise EmbeddedError(f"{self.name} cannot be run: {self._command[0]} is no program")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_name(self.log.name + ".old"))
        guarded = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), *self._command]
        with self.log.open("ab") as log:
            self._begin = log.tell()
            self._process = subprocess.Popen(
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """The exit code once it has ended, negative for a signal; None while it runs or before its start."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def last_lines(self, count: int = LOG_TAIL) -> str:
        """The end of what it logged since its start, indented, to stand under a message."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self._begin, log.seek(0, os.SEEK_END) - 16_384))
                lines = log.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            lines = []
        return "\n".join(f"    {line[:240]}" for line in lines) or "    (nothing in the log)"

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Wait until `ready()`.

        Raises `EmbeddedError` with the end of the log when the program ends first or `timeout` seconds pass.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.running:
                raise EmbeddedError(f"{self.name} ended with code {self.exit_code}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} was not ready within {timeout:g} s:\n{self.last_lines()}")
            time.sleep(0.05)

    def stop(self, timeout: float = 20.0) -> None:
        """SIGTERM, then after `timeout` seconds SIGKILL to its whole group. Never raises; may be repeated."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass  # It had its time.
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # The group is empty (macOS says so by EPERM).
        process.wait()
