"""An audit whose moments are forgotten: smaller and smaller pieces, and a sentence where none is small enough."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from pymongo.errors import OperationFailure
from typer.testing import CliRunner

from models.errors import ServiceUnavailable
from server.cli import app
from services.kit.snapshots import TRIES, SnapshotGone, read_again, too_short
from services.reconciliation import totals
from services.reconciliation.audit import RECONCILIATIONS
from services.reconciliation.totals import Reconciliation


class Forgetful:
    """A database whose snapshots are forgotten so many times."""

    def __init__(self, times: int, code: int = 239) -> None:
        self.left, self.code = times, code

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[object]:
        yield self

    async def read(self, _: object) -> str:
        self.left -= 1
        if self.left >= 0:
            raise OperationFailure("no", self.code)
        return "read"


async def test_a_reading_begins_again_while_there_is_hope() -> None:
    for times in (0, 1, TRIES - 1):
        database: Any = Forgetful(times)
        assert await read_again(database, database.read) == "read"
    database = Forgetful(TRIES)
    with pytest.raises(ServiceUnavailable, match="minSnapshotHistoryWindowInSeconds"):
        await read_again(database, database.read)


async def test_any_other_fault_is_what_it_is() -> None:
    database: Any = Forgetful(1, code=13)
    with pytest.raises(OperationFailure):
        await read_again(database, database.read)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, int | None]]:
    """What each piece was asked for; a piece of more than two documents of nine is forgotten, the others hold."""
    sizes: list[tuple[object, int | None]] = []

    async def piece(_: object, database: int, after: Any, size: int | None) -> AsyncIterator[Any]:
        sizes.append((after, size))
        first = 0 if after is None else after[0] + 1
        for number in range(first, min(9, first + (size or 9))):
            if number - first == database:
                raise SnapshotGone()
            yield (number,), number, None

    monkeypatch.setattr(Reconciliation, "_piece", piece)
    monkeypatch.setattr(totals, "PIECE", 4)
    return sizes


async def test_what_is_left_is_judged_in_pieces_that_hold(asked: list[tuple[object, int | None]]) -> None:
    two: Any = 2
    assert [number async for number, _ in RECONCILIATIONS[0].compare(two)] == list(range(9))
    assert asked == [(None, None), ((1,), 4), ((3,), 2), ((5,), 2), ((7,), 2)]


async def test_where_not_even_one_is_judged_it_says_what_to_do(asked: list[tuple[object, int | None]]) -> None:
    none: Any = 0
    with pytest.raises(ServiceUnavailable, match="minSnapshotHistoryWindowInSeconds"):
        _ = [number async for number, _ in RECONCILIATIONS[0].compare(none)]
    assert [size for _, size in asked] == [None, 4, 2, 1]


def test_the_command_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.cli.audit.run_on_services", Mock(side_effect=too_short()))
    done = CliRunner().invoke(app, ["audit"])
    assert done.exit_code == 1
    assert done.output.startswith("MongoDB forgets a moment")
    assert "Traceback" not in done.output
