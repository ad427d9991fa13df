"""The paths of coupons: `/api/coupon`, `/api/redeem`, `/admin/coupons`, `/admin/stats`, `/admin/coupon/:couponId`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from models.base import to_json
from models.coupon import CreateCoupon, DeleteCoupon, GetCoupon, ListCoupons, RedeemCoupon
from models.ids import either_id
from models.inputs import parse_query
from rest.bodies import read_command
from rest.door import Door, principal_of, query_of, resource
from rest.envelope import pagination, success
from services.kit.rate_limit import PermitToRead, RateLimitPermit


def public_coupon_routes(door: Door) -> list[BaseRoute]:
    coupons = door.services.coupons

    async def create(request: Request, permit: RateLimitPermit) -> Response:
        coupon = await coupons.create(permit, await read_command(request, CreateCoupon))
        data = {"code": coupon.coupon_code, "username": coupon.username, "role": coupon.role.value}
        return success(data, status=201)

    async def get(request: Request, permit: PermitToRead) -> Response:
        wanted = parse_query(GetCoupon, query_of(request))
        return success(to_json(await coupons.get(permit, wanted)))

    async def redeem(request: Request, permit: RateLimitPermit) -> Response:
        redemption = await coupons.redeem(permit, await read_command(request, RedeemCoupon))
        data: dict[str, Any] = {
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

    return [
        resource("/coupon", GET=door.public_read(get), POST=door.public(create)),
        resource("/redeem", POST=door.public(redeem)),
    ]


def admin_coupon_routes(door: Door) -> list[BaseRoute]:
    coupons = door.services.coupons

    async def list_coupons(request: Request) -> Response:
        wanted = parse_query(ListCoupons, query_of(request))
        page = await coupons.list_page(principal_of(request), wanted)
        shown = [to_json(coupon) for coupon in page.items]
        for coupon in shown:
            del coupon["lastUsedAt"]  # The document's list has every field but this one.
        return success({"coupons": shown, "pagination": pagination(page)})

    async def stats(request: Request) -> Response:
        found = await coupons.stats(principal_of(request))
        most_used = found.most_used
        return success(
            {
                "totalCoupons": found.total_coupons,
                "roleDistribution": {"creators": found.creators, "users": found.users},
                "totalRedeemed": found.total_redeemed,
                "mostUsedCoupon": most_used
                and {
                    "couponCode": most_used.coupon_code,
                    "username": most_used.username,
                    "twitterId": most_used.twitter_id,
                    "timesUsed": most_used.times_used,
                    "points": most_used.points,
                },
            }
        )

    async def delete(request: Request) -> Response:
        command = DeleteCoupon(either_id("Coupon", "couponId", request.path_params["couponId"]))
        await coupons.delete(principal_of(request), command)
        return success(message="Coupon deleted successfully")

    return [
        resource("/coupons", GET=list_coupons),
        resource("/stats", GET=stats),
        resource("/coupon/{couponId}", DELETE=delete),
    ]
