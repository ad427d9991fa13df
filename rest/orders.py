"""The paths of orders: `/api/order/find`, `/findOrder`, `/:orderId`, `/refundOrder`, `/refundProductFromOrder`."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from models.inputs import parse_query
from models.order import RefundProduct, UpdateOrder
from models.principal import Principal
from rest.bodies import read_later
from rest.door import Door, query_of, resource
from rest.envelope import JSONAnswer
from services.orders.documents import order_to_json


def order_routes(door: Door) -> list[BaseRoute]:
    """All for signed-in users. The documented GET refunds stay; POST on the same paths does the same."""
    orders = door.services.orders

    async def find_by_user(request: Request, caller: Principal) -> Response:
        found = await orders.find_by_user(caller, request.path_params["userId"])
        return JSONAnswer([order_to_json(order) for order in found])

    async def find_order(request: Request, caller: Principal) -> Response:
        return JSONAnswer(order_to_json(await orders.get(caller, request.path_params["orderId"], path="orderId")))

    async def update(request: Request, caller: Principal) -> Response:
        change = await read_later(request, UpdateOrder)
        order = await orders.update(caller, request.path_params["orderId"], change, path="orderId")
        return JSONAnswer(order_to_json(order))

    async def refund(request: Request, caller: Principal) -> Response:
        return JSONAnswer(order_to_json(await orders.refund(caller, request.path_params["orderId"], path="orderId")))

    async def refund_product(request: Request, caller: Principal) -> Response:
        wanted = partial(parse_query, RefundProduct, query_of(request))
        order = await orders.refund_product(caller, request.path_params["orderId"], wanted, path="orderId")
        return JSONAnswer(order_to_json(order))

    # A POST without a body needs the same guard as a GET: another site's form can send it along with the cookie.
    refund_whole = door.signed_in(refund, changes_by_get=True)
    refund_units = door.signed_in(refund_product, changes_by_get=True)
    return [
        resource("/order/find/{userId}", GET=door.signed_in(find_by_user)),
        resource("/order/findOrder/{orderId}", GET=door.signed_in(find_order)),
        resource("/order/refundOrder/{orderId}", get_changes=True, GET=refund_whole, POST=refund_whole),
        resource("/order/refundProductFromOrder/{orderId}", get_changes=True, GET=refund_units, POST=refund_units),
        resource("/order/{orderId}", PATCH=door.signed_in(update)),
    ]
