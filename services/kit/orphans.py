"""Transactions that a killed process left open: whoever waits for their locks ends them.

MongoDB keeps the locks of such a transaction for a minute (`transactionLifetimeLimitSeconds`), a minute in which
nobody could redeem the coupon it had touched. A transaction of ours works without a pause, so one that has been idle
for two seconds has lost its process. Should that process live after all, its transaction fails as a whole and runs
again: to end it is never wrong, only early.
"""

import logging
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from motor.motor_asyncio import AsyncIOMotorClient

log = logging.getLogger("tessera.database")

IDLE_SECONDS = 2.0
APPLICATION = "tessera"


async def end_orphaned_transactions(client: "AsyncIOMotorClient[dict[str, Any]]") -> int:
    """End our user's transactions that have been idle for too long; answers how many there were.

    Needs no privilege over one's own sessions; where the server refuses even that, its own time limit ends them.
    """
    idle = {
        "type": "idleSession",
        "appName": APPLICATION,
        "transaction.timeInactiveMicros": {"$gt": int(IDLE_SECONDS * 1_000_000)},
    }
    stages: list[dict[str, Any]] = [
        {"$currentOp": {"allUsers": False, "idleSessions": True}},
        {"$match": idle},
        {"$project": {"lsid": 1}},
    ]
    try:
        found = await client.admin.aggregate(stages).to_list(None)
        sessions = [{"id": operation["lsid"]["id"]} for operation in found]
        if sessions:
            await client.admin.command("killSessions", sessions)
            log.warning("ended %d transactions that had lost their process", len(sessions))
    except OperationFailure as refused:
        log.warning("cannot look for transactions that have lost their process (error %s)", refused.code)
        return 0
    return len(sessions)
