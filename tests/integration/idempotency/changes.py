"""Every change that the API knows, by both doors, each on something made for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bson import ObjectId

from models.admin_keys.admin_key import CreateAdminKey
from models.principal import SYSTEM, Role
from tests.integration.access_codes.support import make_code
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.orders import make_order

FOLLOWERS = "/api/usageFollower"


@dataclass(frozen=True)
class Request:
    """A change by REST; the same by GraphQL is `mutation` with `input`."""

    method: str
    path: str
    mutation: str
    headers: dict[str, str]
    input: dict[str, Any]
    body: dict[str, Any] | None = None


async def create_coupon(_: Api) -> Request:
    body = {"twitterId": unique("t"), "username": unique("name"), "followers": 1500}
    return Request("POST", "/api/coupon", "createCoupon", {}, body, body)


async def redeem_coupon(api: Api) -> Request:
    code = (await api.coupon())["couponCode"]
    body = {"redeemerTwitterId": unique("t"), "couponCode": code, "username": unique("name"), "followers": 1500}
    return Request("POST", "/api/redeem", "redeemCoupon", {}, body, body)


async def delete_coupon(api: Api) -> Request:
    identifier = await _coupon_id(api)
    return Request("DELETE", f"/admin/coupon/{identifier}", "deleteCoupon", ADMIN, {"id": identifier})


async def set_coupon_active(api: Api) -> Request:
    given = {"id": await _coupon_id(api), "active": False}
    return Request("", "", "setCouponActive", ADMIN, given)


async def repair_counters(api: Api) -> Request:
    drifted = {"$set": {"timesUsed": 7}}
    await api.services.database.coupons.update_one({"_id": ObjectId(await _coupon_id(api))}, drifted)
    return Request("", "", "repairCounters", ADMIN, {"families": ["COUPONS"]})


async def create_access_code(_: Api) -> Request:
    body = {"maxUses": 3, "expiryDays": 3, "description": unique("code")}
    return Request("POST", "/admin/access-code", "createAccessCode", ADMIN, body, body)


async def create_access_codes(_: Api) -> Request:
    body = {"maxUses": 3, "expiryDays": 3, "description": unique("codes")}
    return Request("POST", "/api/admin/access-code", "createAccessCodes", ADMIN, body | {"count": 3}, body)


async def deactivate_access_code_batch(api: Api) -> Request:
    made = await create_access_codes(api)
    name = unique("batch")
    mutation = "mutation ($input: CreateAccessCodesInput!) { createAccessCodes(input: $input) { __typename } }"
    await api.data(mutation, {"input": made.input | {"batch": name}}, ADMIN)
    return Request("", "", "deactivateAccessCodeBatch", ADMIN, {"id": name})


async def activate_access_code_batch(api: Api) -> Request:
    given = (await deactivate_access_code_batch(api)).input
    mutation = (
        "mutation ($input: DeactivateAccessCodeBatchInput!) { deactivateAccessCodeBatch(input: $input) { __typename } }"
    )
    await api.data(mutation, {"input": given}, ADMIN)
    return Request("", "", "activateAccessCodeBatch", ADMIN, given)


async def set_access_code_public(api: Api) -> Request:
    return Request("", "", "setAccessCodePublic", ADMIN, {"code": await make_code(api), "isPublic": True})


async def redeem_access_code(api: Api) -> Request:
    body = {"code": await make_code(api), "username": unique("name")}
    return Request("POST", "/api/access-code/redeem", "redeemAccessCode", {}, body, body)


async def deactivate_access_code(api: Api) -> Request:
    code = await make_code(api)
    path = f"/admin/access-code/{code}/deactivate"
    return Request("PATCH", path, "deactivateAccessCode", ADMIN, {"code": code})


async def activate_access_code(api: Api) -> Request:
    code = await make_code(api)
    await api.http.patch(f"/admin/access-code/{code}/deactivate", headers=ADMIN)
    return Request("PATCH", f"/admin/access-code/{code}/activate", "activateAccessCode", ADMIN, {"code": code})


async def delete_access_code(api: Api) -> Request:
    code = await make_code(api)
    return Request("DELETE", f"/admin/access-code/{code}", "deleteAccessCode", ADMIN, {"code": code})


async def update_order(api: Api) -> Request:
    order = await make_order(api.services)
    body = {"address": unique("street")}
    return Request(
        "PATCH", f"/api/order/{order.id}", "updateOrder", bearer(order.user_id), {"id": order.id, **body}, body
    )


async def refund_order(api: Api) -> Request:
    order = await make_order(api.services)
    path = f"/api/order/refundOrder/{order.id}"
    return Request("POST", path, "refundOrder", bearer(order.user_id), {"id": order.id})


async def refund_order_product(api: Api) -> Request:
    order = await make_order(api.services)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=1"
    given = {"id": order.id, "productId": "p1", "quantity": 1}
    return Request("POST", path, "refundOrderProduct", bearer(order.user_id), given)


async def create_usage_follower(_: Api) -> Request:
    body = {"campaignId": str(ObjectId()), "maxTotalLimit": 9}
    return Request("POST", f"{FOLLOWERS}/create-follower", "createUsageFollower", ADMIN, body, body)


async def update_usage_follower(api: Api) -> Request:
    identifier, _ = await _follower(api)
    body = {"maxTotalLimit": 7}
    path = f"{FOLLOWERS}/update-follower/{identifier}"
    return Request("PATCH", path, "updateUsageFollower", ADMIN, {"id": identifier, **body}, body)


async def delete_usage_follower(api: Api) -> Request:
    identifier, _ = await _follower(api)
    path = f"{FOLLOWERS}/delete-follower/{identifier}"
    return Request("DELETE", path, "deleteUsageFollower", ADMIN, {"id": identifier})


async def check_usage(api: Api) -> Request:
    _, campaign_id = await _follower(api)
    user = unique("user")
    body = {"userId": user, "campaignId": campaign_id, "usageAmount": 2}
    return Request("POST", f"{FOLLOWERS}/check-availability", "checkUsage", bearer(user), body, body)


async def add_usage(api: Api) -> Request:
    _, campaign_id = await _follower(api)
    user = unique("user")
    body = {"userId": user, "campaignId": campaign_id, "usageAmount": 2}
    given = {"userId": user, "campaignIds": [campaign_id], "usageAmount": 2}
    return Request("POST", f"{FOLLOWERS}/add-usage", "addUsage", bearer(user), given, body)


async def remove_usage(api: Api) -> Request:
    added = await add_usage(api)
    assert (await api.http.post(added.path, json=added.body, headers=added.headers)).status_code == 200
    assert added.body is not None
    given, body = added.input | {"usageAmount": 1}, added.body | {"usageAmount": 1}
    return Request("POST", f"{FOLLOWERS}/remove-usage", "removeUsage", added.headers, given, body)


async def redeem_usage(api: Api) -> Request:
    _, campaign_id = await _follower(api)
    user = unique("user")
    body = {"userId": user, "campaignId": campaign_id, "usageAmount": 2}
    return Request("POST", f"{FOLLOWERS}/redeem-follower", "redeemUsage", bearer(user), body, body)


async def create_admin_key(_: Api) -> Request:
    return Request("", "", "createAdminKey", ADMIN, {"name": unique("key"), "role": "VIEWER"})


async def revoke_admin_key(api: Api) -> Request:
    new = await api.services.admin_keys.create(SYSTEM, CreateAdminKey(unique("key"), Role.VIEWER))
    return Request("", "", "revokeAdminKey", ADMIN, {"id": new.key.id})


async def _follower(api: Api) -> tuple[str, str]:
    """A new follower's id, and the campaign it follows."""
    body = {"campaignId": str(ObjectId()), "maxTotalLimit": 9, "maxLimitPerCustomer": 9, "maxLimitInBasket": 9}
    made = await api.http.post(f"{FOLLOWERS}/create-follower", json=body, headers=ADMIN)
    assert made.status_code == 201, made.text
    return made.json()["_id"], str(body["campaignId"])


async def _coupon_id(api: Api) -> str:
    twitter_id = (await api.coupon())["twitterId"]
    answer = await api.http.get("/api/coupon", params={"twitterId": twitter_id})
    identifier: str = answer.json()["data"]["_id"]
    return identifier


GRAPHQL_ALONE = [
    set_coupon_active,
    set_access_code_public,
    repair_counters,
    create_admin_key,
    revoke_admin_key,
    activate_access_code_batch,
    deactivate_access_code_batch,
]
CHANGES: list[Callable[[Api], Awaitable[Request]]] = [
    create_coupon,
    redeem_coupon,
    delete_coupon,
    *GRAPHQL_ALONE,
    create_access_code,
    create_access_codes,
    redeem_access_code,
    deactivate_access_code,
    activate_access_code,
    delete_access_code,
    update_order,
    refund_order,
    refund_order_product,
    create_usage_follower,
    update_usage_follower,
    delete_usage_follower,
    check_usage,
    add_usage,
    remove_usage,
    redeem_usage,
]
