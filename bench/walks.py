"""What MongoDB looks at for a command: walks through a collection are quick only while it is small."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

WALKS = {
    "planSummary": "COLLSCAN",
    "ns": {"$not": re.compile(r"\.system\.profile$")},
    "op": {"$ne": "getmore"},  # A change stream waits at the end of the log; of any other, the first command tells.
}


@contextmanager
def walks_within(uri: str) -> Iterator[list[dict[str, Any]]]:
    """The commands on this URI's database within the block that walked; listed when it ends."""
    walks: list[dict[str, Any]] = []
    with _profiled(uri, WALKS) as rows:
        yield walks
    walks += [row["command"] for row in rows]


@contextmanager
def examined_within(uri: str, *collections: str) -> Iterator[list[int]]:
    """How many keys or documents each reading of these collections within the block looked at, whichever are more.

    Listed when it ends, in the order of the readings.
    """
    named = "|".join(map(re.escape, collections))
    examined: list[int] = []
    reads = {"ns": re.compile(rf"\.({named})$"), "docsExamined": {"$exists": True}}
    with _profiled(uri, reads) as rows:
        yield examined
    examined += [max(row["docsExamined"], row["keysExamined"]) for row in rows]


@contextmanager
def _profiled(uri: str, query: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Those rows of MongoDB's profile of the block that a query finds; listed when it ends."""
    rows: list[dict[str, Any]] = []
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        database["system.profile"].drop()
        database.command("profile", 2)
        try:
            yield rows
        finally:
            database.command("profile", 0)
        rows += database["system.profile"].find(query).sort("$natural", 1)
