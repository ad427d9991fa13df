"""Commands that make MongoDB walk through a collection: quick only while it is small."""

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
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        database.command("profile", 2)
        try:
            yield walks
        finally:
            database.command("profile", 0)
        walks += [row["command"] for row in database["system.profile"].find(WALKS)]
