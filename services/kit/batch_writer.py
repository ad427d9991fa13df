"""Group commit of one family's commands: what arrives while a transaction commits goes into the next one.

A batch reads what its commands need, decides each command in turn by the pure rules, and writes everything in a few
bulk writes. A refused command costs the others nothing, and the more callers want the same row at once the cheaper each
becomes.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from services.kit.batching import GroupCommit
from services.kit.database import Database, Session

Command = TypeVar("Command")
Result = TypeVar("Result")

TOUCH_BATCHES = 50
"""For how many batches after a conflict the contended rows are touched first, so that losing a race is cheap."""


class BatchWriter(ABC, Generic[Command, Result]):
    """Carries out commands. `submit` answers once the command is committed by a majority."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._touches = 0
        self._group: GroupCommit[Command, Result] = GroupCommit(self._commit)

    async def submit(self, command: Command) -> Result:
        return await self._group.submit(command)

    async def close(self) -> None:
        """Wait until everything that was submitted is committed."""
        await self._group.close()

    @abstractmethod
    async def carry_out(self, session: Session, commands: Sequence[Command]) -> list[Result | Exception]:
        """Read, decide and write a batch within a transaction; one answer for each command. It may run again."""

    @abstractmethod
    async def touch(self, session: Session, commands: Sequence[Command]) -> None:
        """Lock the contended rows of a batch at once.

        A conflict with another process then shows in the first round trip instead of the last.
        """

    async def _commit(self, commands: Sequence[Command]) -> list[Result | Exception]:
        runs = 0

        async def run(session: Session) -> list[Result | Exception]:
            nonlocal runs
            runs += 1
            if runs > 1:
                self._touches = TOUCH_BATCHES
            if self._touches:
                await self.touch(session, commands)
            return await self.carry_out(session, commands)

        answers = await self._database.transaction(run)
        self._touches = max(0, self._touches - 1)
        return answers


def fresh_touch() -> dict[str, Any]:
    """An update that changes its row for certain: one that changes nothing locks nothing."""
    return {"$set": {"touch": secrets.token_hex(4)}}
