"""A small programme with something of everything: what the console is walked through with."""

from dataclasses import dataclass
from typing import Any

import httpx

from services.registry import Services
from tests.support.orders import make_order

CAMPAIGN = "60d21b4667d0d8992e610ca1"
COUPON = """mutation ($input: CreateCouponInput!) {
  createCoupon(input: $input) {
    ... on CreateCouponPayload { coupon { databaseId couponCode } } ... on Problem { code }
  }
}"""
CODES = """mutation ($input: CreateAccessCodesInput!) {
  createAccessCodes(input: $input) {
    ... on CreateAccessCodesPayload { accessCodes { code } } ... on Problem { code message }
  }
}"""
FOLLOWER = """mutation ($input: CreateUsageFollowerInput!) {
  createUsageFollower(input: $input) {
    ... on CreateUsageFollowerPayload { usageFollower { databaseId } } ... on Problem { code }
  }
}"""


@dataclass(frozen=True)
class Programme:
    """Where it is served, and the names of some of its parts."""

    address: str
    admin_key: str
    coupon_code: str
    """Ada's, who brought grace and linus; grace brought margaret."""
    coupon_id: str
    access_code: str
    order_id: str
    """Of grace: 3 tea at 19.90 and 2 cups at 10.00, of which one tea is refunded."""
    follower_id: str


async def begin(http: httpx.AsyncClient, services: Services, admin_key: str) -> Programme:
    """Makes it, by the ways that everyone takes."""
    admin = {"x-admin-key": admin_key}

    async def ask(query: str, field: str, **given: Any) -> dict[str, Any]:
        answer = await http.post("/graphql", json={"query": query, "variables": {"input": given}}, headers=admin)
        result: dict[str, Any] = answer.json()["data"][field]
        assert "code" not in result, result
        return result

    async def redeem(code: str, twitter_id: str, username: str, followers: int) -> str:
        body = {"redeemerTwitterId": twitter_id, "username": username, "followers": followers, "couponCode": code}
        answer = await http.post("/api/redeem", json=body)
        return str(answer.json().get("data", {}).get("newCouponCode"))

    new = {"twitterId": "1001", "username": "ada", "followers": 125_000, "role": "CREATOR"}
    ada = (await ask(COUPON, "createCoupon", **new))["coupon"]
    grace = await redeem(ada["couponCode"], "1002", "grace", 2_500)
    await redeem(ada["couponCode"], "1003", "linus", 1_200)
    await redeem(grace, "1004", "margaret", 9_000)
    await redeem(ada["couponCode"], "1005", "small_fan", 20)
    for number in range(30):
        name = {"twitterId": str(2_000 + number), "username": f"member_{number:02}", "followers": 1_000 + 37 * number}
        await ask(COUPON, "createCoupon", **name)

    batch = {"count": 12, "maxUses": 2, "expiryDays": 5, "description": "Spring beta", "batch": "spring"}
    codes = [code["code"] for code in (await ask(CODES, "createAccessCodes", **batch))["accessCodes"]]
    await ask(CODES, "createAccessCodes", count=3, maxUses=50, expiryDays=90, description="Press")
    for username in ("grace", "linus", "margaret"):
        await http.post("/api/access-code/redeem", json={"code": codes[0], "username": username, "twitterId": "1002"})

    limits = {"maxTotalLimit": 10, "maxLimitPerCustomer": 4, "maxLimitInBasket": 3}
    follower = (await ask(FOLLOWER, "createUsageFollower", campaignId=CAMPAIGN, **limits))["usageFollower"]
    used = {"campaignId": CAMPAIGN, "couponId": ada["databaseId"]}
    await ask(FOLLOWER, "createUsageFollower", couponId=ada["databaseId"], maxTotalLimit=2)
    for user, of, amount in (("grace", "campaignId", 2), ("linus", "campaignId", 3), ("grace", "couponId", 2)):
        body = {"userId": user, of: used[of], "usageAmount": amount}
        await http.post("/api/usageFollower/redeem-follower", json=body, headers=admin)
    held = {"userId": "margaret", "campaignId": CAMPAIGN, "usageAmount": 2}
    await http.post("/api/usageFollower/check-availability", json=held, headers=admin)

    order = await make_order(services, userId="grace")
    await make_order(services, userId="linus", totalPrice=1_284.5)
    refund = {"productId": "p1", "quantity": 1}
    await http.post(f"/api/order/refundProductFromOrder/{order.id}", json=refund, headers=admin)
    return Programme(
        str(http.base_url), admin_key, ada["couponCode"], ada["databaseId"], codes[0], order.id, follower["databaseId"]
    )
