"""Every documented path in one place: public ones under `/api`, those of admins under `/admin` and `/api/admin`."""

from starlette.routing import BaseRoute, Mount, Router

from rest import access_codes, activity, coupons, exports, orders, usage
from rest.access import AdminsOnly

public_routes: list[BaseRoute] = [*coupons.routes, *access_codes.routes, *orders.routes, *usage.routes]
admin_routes: list[BaseRoute] = [
    *coupons.admin_routes,
    *access_codes.admin_routes,
    *activity.admin_routes,
    *exports.admin_routes,
]

_admin = AdminsOnly(Router(admin_routes, redirect_slashes=False))

routes: list[BaseRoute] = [*public_routes, Mount("/api/admin", _admin), Mount("/admin", _admin)]
