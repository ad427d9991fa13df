"""The four series by GraphQL: what they count, whose they are, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.access_codes.support import make_code
from tests.integration.access_codes.support import redeem as use
from tests.support.api import ADMIN, Api, bearer
from tests.support.orders import make_order
from tests.support.series import check_series_invariants
from tests.support.usage import follow, post

SERIES = """
    query(
      $interval: SeriesInterval!, $from: DateTime!, $to: DateTime, $zone: String! = "UTC", $role: CouponRole,
      $couponId: ID, $campaignId: ID
    ) {
      redemptionSeries(interval: $interval, from: $from, to: $to, timeZone: $zone, role: $role) {
        from to count newUsers points
      }
      accessCodeUseSeries(interval: $interval, from: $from, to: $to, timeZone: $zone) { from to count }
      usageSeries(
        interval: $interval, from: $from, to: $to, timeZone: $zone, couponId: $couponId, campaignId: $campaignId
      ) { from to count added removed net }
      orderSeries(interval: $interval, from: $from, to: $to, timeZone: $zone) {
        from to count amount refundCount refundedUnits refundedAmount
      }
    }
"""
NAMES = ("redemptionSeries", "accessCodeUseSeries", "usageSeries", "orderSeries")


def variables(interval: str = "DAY", **changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"interval": interval, "from": (now - timedelta(days=2)).isoformat()} | changes


async def ask(api: Api, interval: str = "DAY", **changes: Any) -> dict[str, Any]:
    return await api.data(SERIES, variables(interval, **changes), ADMIN)


async def redeem(api: Api, code: str, **body: Any) -> None:
    answer = await api.http.post("/api/redeem", json={"couponCode": code, **body})
    assert answer.status_code == 200, answer.text


async def test_each_series_counts_what_happened(own_api: Api) -> None:
    coupon, owner = await own_api.coupon(), await own_api.coupon()
    await redeem(own_api, coupon["couponCode"], redeemerTwitterId="r1", username="r1", followers=1000)
    await redeem(own_api, coupon["couponCode"], redeemerTwitterId=owner["twitterId"])
    creator = await own_api.coupon(role="creator")
    await redeem(own_api, creator["couponCode"], redeemerTwitterId="r2", username="r2", followers=1000)
    code = await make_code(own_api, maxUses=5)
    for n in range(3):
        assert (await use(own_api, code, f"user{n}")).status_code == 200
    campaigns = [await follow(own_api), await follow(own_api)]
    await post(own_api, "add-usage", {"userId": "u", "campaignId": campaigns, "usageAmount": 5})
    await post(own_api, "remove-usage", {"userId": "u", "campaignId": campaigns[0], "usageAmount": 2})
    orders = [await make_order(own_api.services) for _ in range(3)]
    found = await ask(own_api)
    for name in NAMES:
        assert len(found[name]) == 3
        for before, after in zip(found[name], found[name][1:], strict=False):
            assert before["to"] == after["from"]
    last = {name: {k: v for k, v in found[name][-1].items() if k not in ("from", "to")} for name in NAMES}
    assert last["redemptionSeries"] == {"count": 3, "newUsers": 2, "points": 30}
    assert last["accessCodeUseSeries"] == {"count": 3}
    assert last["usageSeries"] == {"count": 3, "added": 10, "removed": 2, "net": 8}
    total = sum(order.total_price for order in orders)
    refunds = {"refundCount": 0, "refundedUnits": 0, "refundedAmount": "0.00"}
    assert last["orderSeries"] == {"count": 3, "amount": f"{total:.2f}"} | refunds
    (role, narrowed) = (await ask(own_api, role="CREATOR")), (await ask(own_api, campaignId=campaigns[0]))
    assert [bucket["count"] for bucket in role["redemptionSeries"]] == [0, 0, 1]
    assert (narrowed["usageSeries"][-1]["added"], narrowed["usageSeries"][-1]["removed"]) == (5, 2)
    assert [bucket["count"] for bucket in (await ask(own_api, couponId=campaigns[0]))["usageSeries"]] == [0, 0, 0]


async def test_the_amount_of_an_order_follows_its_change(own_api: Api) -> None:
    order = await make_order(own_api.services)
    path = f"/api/order/{order.id}"
    assert (await own_api.http.patch(path, json={"totalPrice": 3.5}, headers=ADMIN)).status_code == 200
    assert (await ask(own_api))["orderSeries"][-1]["amount"] == "3.50"


async def test_refunds_count_what_they_come_to(own_api: Api) -> None:
    order, whole = [await make_order(own_api.services) for _ in range(2)]
    for path in (f"refundProductFromOrder/{order.id}?productId=p1&quantity=1", f"refundOrder/{whole.id}"):
        assert (await own_api.http.post(f"/api/order/{path}", headers=ADMIN)).status_code == 200
    rows = await own_api.services.database.refunds.find().to_list(None)
    bucket = (await ask(own_api))["orderSeries"][-1]
    assert (bucket["refundCount"], bucket["refundedUnits"]) == (len(rows), sum(row["quantity"] for row in rows))
    assert bucket["refundedAmount"] == f"{sum(row['amount'].to_decimal() for row in rows):.2f}"
    assert rows
    check_series_invariants(own_api.settings.mongo_uri)


async def test_a_refused_command_counts_for_nothing(own_api: Api) -> None:
    coupon = await own_api.coupon()
    body = {"couponCode": coupon["couponCode"], "redeemerTwitterId": "r1", "username": "r1", "followers": 1000}
    for expected in (200, 403, 403):
        assert (await own_api.http.post("/api/redeem", json=body)).status_code == expected
    assert (await ask(own_api))["redemptionSeries"][-1]["count"] == 1


@pytest.mark.parametrize("name", NAMES)
async def test_series_are_for_admins(api: Api, name: str) -> None:
    query = f'{{ {name}(interval: DAY, from: "2026-01-01", to: "2026-01-02") {{ count }} }}'
    for headers, code in (({}, "UNAUTHENTICATED"), (bearer("u1"), "FORBIDDEN")):
        body = await api.graphql(query, None, headers)
        assert body["data"] is None
        assert body["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"zone": "Europe/Atlantis"}, "timeZone must be the name of a time zone, such as Europe/Berlin"),
        ({"zone": "../../etc/passwd"}, "timeZone must be the name of a time zone, such as Europe/Berlin"),
        ({"zone": ""}, "timeZone must be the name of a time zone, such as Europe/Berlin"),
        ({"from": "2026-01-02", "to": "2026-01-02"}, "to must be later than from"),
        ({"from": "1969-12-31"}, "from must lie in the years 1970 to 2999"),
        ({"from": "2026-01-01", "to": "3000-01-02"}, "to must lie in the years 1970 to 2999"),
        ({"from": "1990-01-01", "to": "2026-01-01"}, "A series has at most 10,000 buckets; ask for a longer interval"),
        (
            {"couponId": "60d21b4667d0d8992e610c85", "campaignId": "60d21b4667d0d8992e610c86"},
            "Give couponId or campaignId, not both",
        ),
    ],
)
async def test_what_cannot_be_a_series_is_refused(api: Api, changes: dict[str, Any], message: str) -> None:
    body = await api.graphql(SERIES, variables("DAY", **changes), ADMIN)
    assert body["data"] is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {"BAD_USER_INPUT"}
    assert message in str(body["errors"])
