"""The paths of coupons: `/api/coupon`, `/api/redeem`, `/admin/coupons`, `/admin/stats`, `/admin/coupon/:couponId`."""

from starlette.requests import Request
from starlette.responses import Response

from models.base import to_json
from models.coupons.coupon import (
    CreateCoupon,
    DeleteCoupon,
    GetCoupon,
    ListCoupons,
    RedeemCoupon,
)
from models.inputs import parse_query
from models.principal import Role
from models.sent import read_by_name
from models.values.ids import either_id
from rest.access import admin, caller_of, permit_of, public, query_of, resource, services_of
from rest.body import read_command, read_json
from rest.envelope import fields_of, pagination, success
from rest.openapi import coupons as told
from rest.openapi.description import described


@described(told.CREATE)
@public
async def create(request: Request) -> Response:
    coupon = await services_of(request).coupons.create(permit_of(request), await read_command(request, CreateCoupon))
    data = {"code": coupon.coupon_code, "username": coupon.username, "role": coupon.role.value}
    return success(data, status=201)


@described(told.GET)
@public
async def get(request: Request) -> Response:
    wanted = parse_query(GetCoupon, query_of(request))
    return success(to_json(await services_of(request).coupons.get(permit_of(request), wanted)))


@described(told.REDEEM)
@public
async def redeem(request: Request) -> Response:
    sent = read_by_name(RedeemCoupon, await read_json(request))
    redemption = await services_of(request).coupons.redeem(permit_of(request), sent)
    data: dict[str, object] = {
        "creatorPoints": redemption.creator_points,
        "redeemerPoints": redemption.redeemer_points,
    }
    if redemption.new_coupon is not None:
        data |= {
            "newUser": True,
            "newCouponCode": redemption.new_coupon.coupon_code,
            "message": "New coupon created and points awarded",
        }
    return success(data, message="Coupon redeemed successfully")


@described(told.LIST_COUPONS)
@admin(Role.VIEWER)
async def list_coupons(request: Request) -> Response:
    wanted = parse_query(ListCoupons, query_of(request))
    page = await services_of(request).coupons.list_page(caller_of(request), wanted)
    shown = [to_json(coupon) for coupon in page.items]
    for coupon in shown:
        del coupon["lastUsedAt"]  # The document's list has every field but this one.
    return success({"coupons": shown, "pagination": pagination(page)})


@described(told.STATS)
@admin(Role.VIEWER)
async def stats(request: Request) -> Response:
    found = await services_of(request).coupons.stats(caller_of(request))
    most_used = found.most_used
    return success(
        {
            "totalCoupons": found.total_coupons,
            "roleDistribution": {"creators": found.creators, "users": found.users},
            "totalRedeemed": found.total_redeemed,
            "mostUsedCoupon": most_used
            and fields_of(most_used, "couponCode", "username", "twitterId", "timesUsed", "points"),
        }
    )


@described(told.DELETE)
@admin(Role.ADMIN)
async def delete(request: Request) -> Response:
    command = DeleteCoupon(either_id("Coupon", "couponId", request.path_params["couponId"]))
    await services_of(request).coupons.delete(caller_of(request), command)
    return success(message="Coupon deleted successfully")


routes = [
    resource("/api/coupon", GET=get, POST=create),
    resource("/api/redeem", POST=redeem),
]


admin_routes = [
    resource("/coupons", GET=list_coupons),
    resource("/stats", GET=stats),
    resource("/coupon/{couponId}", DELETE=delete),
]
