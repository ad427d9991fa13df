"""Faults: a database that goes away is a 503 in the shape of errors, and nothing acknowledged is lost over it."""

import asyncio
from pathlib import Path

from devtools.embedded import EmbeddedMongod
from tests.support.api import ADMIN, running_api, settings_for
from tests.support.ledger import check_coupon_invariants
from tests.support.uris import with_database


async def test_a_database_away_is_told_and_mends_by_itself(tmp_path: Path) -> None:
    mongod = await asyncio.to_thread(EmbeddedMongod(tmp_path).start)
    uri = with_database(mongod.uri, "faults")
    try:
        async with running_api(settings_for(uri)) as api:
            creator = await api.coupon()
            redeem = {
                "redeemerTwitterId": "r1",
                "couponCode": creator["couponCode"],
                "username": "x",
                "followers": 1000,
            }
            assert (await api.http.post("/api/redeem", json=redeem)).status_code == 200
            await asyncio.to_thread(mongod.stop)
            away = await asyncio.gather(
                api.http.get("/readyz"),
                api.http.get("/api/coupon", params={"twitterId": creator["twitterId"]}),
                api.http.post("/api/redeem", json=redeem | {"redeemerTwitterId": "r2"}),
                api.http.get("/admin/stats", headers=ADMIN),
            )
            assert [answer.status_code for answer in away] == [503] * 4
            assert {answer.json()["code"] for answer in away} == {"SERVICE_UNAVAILABLE"}
            body = await api.graphql("{ couponStats { totalCoupons } }", headers=ADMIN)
            assert body["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
            assert (await api.http.get("/livez")).status_code == 200
            await asyncio.to_thread(mongod.start)
            again = await api.http.post("/api/redeem", json=redeem | {"redeemerTwitterId": "r2"})
            assert again.json()["data"]["creatorPoints"] == 20
            assert check_coupon_invariants(uri) == 2
    finally:
        await asyncio.to_thread(mongod.stop)
