"""What is measured side by side, and what must be true of every answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pymongo import MongoClient

from bench.load import ADMIN_KEY, BenchError
from bench.seeds import code_of
from bench.servers import Server

COUPON = (
    "query($t: String!) { coupon(twitterId: $t) { id couponCode username followers points timesUsed role active } }"
)
LIST = (
    "query { coupons(first: 20) { nodes { id couponCode twitterId username followers points timesUsed role active"
    " createdAt } } }"
)
REDEEM = "mutation($i: RedeemCouponInput!) { redeemCoupon(input: $i) { __typename } }"
CAMPAIGN = "60d21b4667d0d8992e610c01"
LIMITED = "Tessera, rate limit on"
TWO_WORKERS = "Tessera, two workers"
PYMONGO = "Tessera, PyMongo's own asyncio client"
ALONE = ", one client alone"
SPREAD = 49


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table: a wrk script, and the servers that take part (by name)."""

    name: str
    script: str
    servers: Sequence[str]
    connections: int = 32
    operation: str | None = None
    codes: int = 0
    """How many coupons are redeemed in turn; 0 where nothing is redeemed."""
    arguments_of: Sequence[str] = ()
    """What a script takes that has nothing to do with coupons."""

    def arguments(self, run: str, coupons: int) -> list[str]:
        """The arguments of the wrk script for one run."""
        if self.arguments_of:
            return list(self.arguments_of)
        operation = [self.operation] if self.operation else []
        if self.codes:
            return [run, *operation, *(code_of(n) for n in range(self.codes))]
        return [str(coupons), *operation]


_REST = ("Tessera", "Express + mongoose", "fastify")
_GRAPHQL = ("Tessera", "Apollo", "mercurius JIT")
SCENARIOS = (
    Scenario("REST get", "get.lua", (*_REST, LIMITED, PYMONGO)),
    Scenario("REST get, from 10,000 addresses", "get_from.lua", ("Tessera", LIMITED)),
    Scenario("GraphQL get", "graphql.lua", _GRAPHQL, operation=COUPON),
    Scenario("GraphQL list of 20 × 10", "list.lua", _GRAPHQL, operation=LIST),
    Scenario(
        "redeem, spread over 49 coupons",
        "redeem.lua",
        (*_REST, TWO_WORKERS, PYMONGO),
        connections=64,
        codes=SPREAD,
    ),
    Scenario("redeem, all on one coupon", "redeem.lua", (*_REST, TWO_WORKERS, PYMONGO), connections=64, codes=1),
    Scenario(
        "redeem by GraphQL, all on one coupon",
        "redeem_graphql.lua",
        _GRAPHQL,
        connections=64,
        codes=1,
        operation=REDEEM,
    ),
    Scenario(
        "add usage, all on one campaign",
        "post.lua",
        ("Tessera", PYMONGO),
        connections=64,
        arguments_of=(
            "/api/usageFollower/add-usage",
            f'{{"userId": "{{n}}", "campaignId": "{CAMPAIGN}", "usageAmount": 1}}',
        ),
    ),
    Scenario("REST get" + ALONE, "get.lua", (*_REST, PYMONGO), connections=1),
    Scenario("GraphQL get" + ALONE, "graphql.lua", _GRAPHQL, connections=1, operation=COUPON),
    Scenario("redeem" + ALONE, "redeem.lua", (*_REST, PYMONGO), connections=1, codes=SPREAD),
    Scenario(
        "redeem by GraphQL" + ALONE, "redeem_graphql.lua", _GRAPHQL, connections=1, codes=SPREAD, operation=REDEEM
    ),
)


def check_answers(server: Server) -> None:
    """Assert that a server answers what the scenarios ask for; raises `BenchError` with what it said instead."""
    with httpx.Client(base_url=server.url, timeout=30) as http:
        if server.name.startswith("Tessera") or server.name in ("Express + mongoose", "fastify"):
            coupon = http.get("/api/coupon", params={"twitterId": "seed3"}).json()["data"]
            _expect(server, coupon["couponCode"], code_of(3))
        if server.name in ("Tessera", "Apollo", "mercurius JIT"):
            asked: dict[str, Any] = {"query": COUPON, "variables": {"t": "seed5"}}
            coupon = http.post("/graphql", json=asked).json()["data"]["coupon"]
            _expect(server, (coupon["couponCode"], coupon["role"]), (code_of(5), "USER"))


def prepare(server: Server) -> None:
    """Make what the scenarios need besides coupons: the campaign whose usage is counted."""
    if server.name in ("Tessera", PYMONGO):
        body = {"campaignId": CAMPAIGN, "maxTotalLimit": 2_000_000_000}
        made = httpx.post(
            f"{server.url}/api/usageFollower/create-follower", json=body, headers={"x-admin-key": ADMIN_KEY}
        )
        _expect(server, made.status_code, 201)


def check_redemptions(server: Server) -> float:
    """The share of redemptions that the coupons themselves have lost: 0 for an exact server."""
    sums = [{"$group": {"_id": None, "uses": {"$sum": "$timesUsed"}}}]
    with MongoClient[dict[str, Any]](server.mongo_uri) as client, client.start_session(snapshot=True) as session:
        # Of one moment: what was in flight when the load ended may still be committed.
        database = client.get_default_database()
        rows = database["redemptions"].count_documents({}, session=session)
        summed = list(database["coupons"].aggregate(sums, session=session))
    return 1 - summed[0]["uses"] / rows if rows else 0.0


def _expect(server: Server, answered: object, expected: object) -> None:
    if answered != expected:
        raise BenchError(f"{server.name} answered {answered!r} where {expected!r} was right")
