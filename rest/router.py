"""Every documented path in one place."""

from starlette.routing import BaseRoute, Mount, Router

from rest.access_codes import admin_access_code_routes, public_access_code_routes
from rest.coupons import admin_coupon_routes, public_coupon_routes
from rest.door import Door
from rest.orders import order_routes
from rest.usage import usage_routes


def rest_routes(door: Door) -> list[BaseRoute]:
    """Public paths under `/api`, admin paths under `/admin` and `/api/admin`."""
    admin = door.admins_only(
        Router([*admin_coupon_routes(door), *admin_access_code_routes(door)], redirect_slashes=False)
    )
    public = [*public_coupon_routes(door), *public_access_code_routes(door), *order_routes(door), *usage_routes(door)]
    api = Router([Mount("/admin", admin), *public], redirect_slashes=False)
    return [Mount("/api", api), Mount("/admin", admin)]
