"""The paths of orders: `/api/order/find`, `/findOrder`, `/:orderId`, `/refundOrder`, `/refundProductFromOrder`.

All are for signed-in users. The documented GET refunds stay; POST on the same paths does the same.
"""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from models.inputs import parse_query
from models.order import Order, RefundProduct, UpdateOrder
from rest.access import caller_of, query_of, resource, services_of, signed_in, signed_in_to_change
from rest.body import read_later
from rest.envelope import JSONAnswer
from services.orders.documents import order_to_json


@signed_in
async def find_by_user(request: Request) -> Response:
    found = await services_of(request).orders.find_by_user(caller_of(request), request.path_params["userId"])
    return JSONAnswer([order_to_json(order) for order in found])


@signed_in
async def find_order(request: Request) -> Response:
    identifier = request.path_params["orderId"]
    return _shown(await services_of(request).orders.get(caller_of(request), identifier, path="orderId"))


@signed_in
async def update(request: Request) -> Response:
    identifier, change = request.path_params["orderId"], await read_later(request, UpdateOrder)
    return _shown(await services_of(request).orders.update(caller_of(request), identifier, change, path="orderId"))


# A POST without a body needs the same guard as a GET: another site's form can send it along with the cookie.
@signed_in_to_change
async def refund(request: Request) -> Response:
    identifier = request.path_params["orderId"]
    return _shown(await services_of(request).orders.refund(caller_of(request), identifier, path="orderId"))


@signed_in_to_change
async def refund_product(request: Request) -> Response:
    identifier, wanted = request.path_params["orderId"], partial(parse_query, RefundProduct, query_of(request))
    refunded = await services_of(request).orders.refund_product(caller_of(request), identifier, wanted, path="orderId")
    return _shown(refunded)


def _shown(order: Order) -> Response:
    return JSONAnswer(order_to_json(order))


routes = [
    resource("/order/find/{userId}", GET=find_by_user),
    resource("/order/findOrder/{orderId}", GET=find_order),
    resource("/order/refundOrder/{orderId}", get_changes=True, GET=refund, POST=refund),
    resource("/order/refundProductFromOrder/{orderId}", get_changes=True, GET=refund_product, POST=refund_product),
    resource("/order/{orderId}", PATCH=update),
]
