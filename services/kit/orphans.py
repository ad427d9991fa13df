"""Transactions that a killed process left open: found, and ended.

MongoDB keeps their locks for a minute (`transactionLifetimeLimitSeconds`), in which nobody could redeem the coupon that
one has touched.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from services.kit.database import Client

log = logging.getLogger("tessera.database")

APPLICATION = "tessera"
IDLE_SECONDS = 2.0
"""How long a transaction of ours may be idle: it works without a pause, so by then it has lost its process."""
GONE_SECONDS = 0.1
"""How long, where its connection is gone: that is listed a moment before the transactions are."""

_STEPS: Sequence[Mapping[str, Any]] = (
    {"$currentOp": {"allUsers": False, "idleSessions": True, "idleConnections": True}},
    {"$match": {"connectionId": {"$exists": True}}},
    {
        "$project": {
            "type": 1,
            "appName": 1,
            "connectionId": 1,
            "shard": 1,
            "lsid": 1,
            "idle": {"$divide": ["$transaction.timeInactiveMicros", 1_000_000]},
        }
    },
)


async def end_orphaned_transactions(client: "Client") -> int:
    """Ends transactions of our user that a killed process left open; returns how many there were.

    The kernel closes the connections of a process that dies, so a transaction whose connection is gone is an orphan;
    where the machine died with it, or a router stands between, it is known by how long it is idle. Should the process
    live after all, its transaction fails as a whole and runs again: to end it is never wrong, only early. Needs no
    privilege over one's own sessions; where the server refuses even that, its own time limit ends them.
    """
    try:
        # A command is the same call in every driver, and so few rows fit into its first batch.
        found = await client.admin.command("aggregate", 1, pipeline=_STEPS, cursor={"batchSize": 10_000})
        sessions = orphans_of(found["cursor"]["firstBatch"])
        if sessions:
            await client.admin.command("killSessions", sessions)
            log.warning("ended %d transactions that had lost their process", len(sessions))
    except OperationFailure as refused:
        log.warning("cannot look for transactions that have lost their process (error %s)", refused.code)
        return 0
    return len(sessions)


def orphans_of(operations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The sessions to end, of what is listed: connections, and sessions that are in a transaction and idle."""
    connections = {operation["connectionId"] for operation in operations if operation["type"] == "op"}
    return [
        {"id": operation["lsid"]["id"]}
        for operation in operations
        if operation["type"] == "idleSession"
        and operation.get("appName") == APPLICATION
        and operation.get("idle") is not None
        and operation["idle"] > (IDLE_SECONDS if _may_live(operation, connections) else GONE_SECONDS)
    ]


def _may_live(operation: Mapping[str, Any], connections: set[int]) -> bool:
    """A router has connections of its own, which tell nothing of its clients."""
    return "shard" in operation or operation["connectionId"] in connections
