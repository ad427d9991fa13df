"""Usage followers as a test talks about them, and their invariants, judged by what stands in MongoDB."""

from collections import Counter
from typing import Any
from uuid import uuid4

import httpx
from pymongo import MongoClient

from tests.support.api import ADMIN, Api
from tests.support.series import check_series_invariants

BASE = "/api/usageFollower"


def new_id() -> str:
    """An ObjectId that no other test uses."""
    return uuid4().hex[:24]


async def post(api: Api, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Post to a path of usage followers, as an admin unless said otherwise."""
    return await api.http.post(f"{BASE}/{path}", json=body, headers=ADMIN if headers is None else headers)


async def follow(api: Api, **fields: Any) -> str:
    """Make a follower (of a new campaign, unless one is named) and answer what it follows."""
    if "couponId" not in fields:
        fields.setdefault("campaignId", new_id())
    made = await post(api, "create-follower", fields)
    assert made.status_code == 201, made.text
    followed: str = fields.get("campaignId") or fields["couponId"]
    return followed


async def availability(api: Api, identifier: str, user_id: str | None = None) -> dict[str, Any]:
    """What the follower of this id tells of a user."""
    answer = await post(api, f"get-availability/{identifier}", {} if user_id is None else {"userId": user_id})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def check_usage_invariants(database_uri: str) -> int:
    """Assert every invariant of followers, counters and ledger; answers the number of ledger rows.

    Counts equal the ledger and are never negative, totals equal the counts, holds equal those of the users, the ledger
    of a follower is in a strict order, and the total of all followers is their number. The series counts the moves.
    """
    with MongoClient[dict[str, Any]](database_uri) as client:
        database = client.get_default_database()
        followers = list(database["usagefollowers"].find())
        counters = list(database["usagecounters"].find())
        rows = list(database["usageledger"].find())
        shards = list(database["counters"].find({"family": "usagefollowers"}))
    assert sum(shard.get("usagefollowers", 0) for shard in shards) == len(followers)
    used, totals, order = Counter[Any](), Counter[Any](), Counter[Any]()
    for row in rows:
        used[row["followerId"], row["userId"]] += row["amount"]
        totals[row["followerId"]] += row["amount"]
        order[row["followerId"], row["sequence"]] += 1
    assert set(order.values()) <= {1}
    for counter in counters:
        assert counter["used"] == used[counter["followerId"], counter["userId"]] >= 0
        assert (counter["held"] > 0) == ("holdExpiresAt" in counter)
    for follower in followers:
        own = [counter for counter in counters if counter["followerId"] == follower["_id"]]
        assert follower["totalUsageCount"] == totals[follower["_id"]]
        assert follower["heldCount"] == sum(counter["held"] for counter in own)
        assert follower["userCount"] == len(own)
        limit = follower.get("maxTotalLimit")
        assert limit is None or follower["totalUsageCount"] <= limit
    check_series_invariants(database_uri, "usage")
    return len(rows)
