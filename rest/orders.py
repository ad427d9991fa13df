"""The paths of orders: `/api/order/find`, `/findOrder`, `/:orderId`, `/refundOrder`, `/refundProductFromOrder`.

All are for signed-in users. The documented GET refunds stay; POST on the same paths does the same.
"""

from starlette.requests import Request
from starlette.responses import Response

from models.base import to_json
from models.inputs import parse_query
from models.orders import commands
from models.orders.lines import lines_to_json
from models.orders.order import (
    Order,
)
from models.principal import Role
from models.sent import read_for_user, read_sent
from models.values.ids import either_id
from rest.access import caller_of, query_of, resource, services_of, signed_in
from rest.body import read_sent_command
from rest.envelope import JSONAnswer
from rest.openapi import orders as told
from rest.openapi.description import described


@described(told.FIND_BY_USER)
@signed_in(Role.VIEWER)
async def find_by_user(request: Request) -> Response:
    sent = read_for_user(commands.FindOrders, {"userId": request.path_params["userId"]})
    found = await services_of(request).orders.find_by_user(caller_of(request), sent)
    return JSONAnswer([_shown(order) for order in found])


@described(told.FIND_ORDER)
@signed_in(Role.VIEWER)
async def find_order(request: Request) -> Response:
    return _answer(await services_of(request).orders.get(caller_of(request), commands.FindOrder(_id(request))))


@described(told.UPDATE)
@signed_in(Role.ADMIN)
async def update(request: Request) -> Response:
    sent = await read_sent_command(request, commands.OrderChange)
    command = commands.UpdateOrder(_id(request), sent)
    return _answer(await services_of(request).orders.update(caller_of(request), command))


# A POST without a body needs the same guard as a GET: another site's form can send it along with the cookie.
@described(told.REFUND)
@signed_in(Role.SUPPORT, changes_by_get=True)
async def refund(request: Request) -> Response:
    return _answer(await services_of(request).orders.refund(caller_of(request), commands.RefundOrder(_id(request))))


@described(told.REFUND_PRODUCT)
@signed_in(Role.SUPPORT, changes_by_get=True)
async def refund_product(request: Request) -> Response:
    command = commands.RefundProduct(_id(request), read_sent(parse_query, commands.ProductUnits, query_of(request)))
    return _answer(await services_of(request).orders.refund_product(caller_of(request), command))


routes = [
    resource("/api/order/find/{userId}", GET=find_by_user),
    resource("/api/order/findOrder/{orderId}", GET=find_order),
    resource("/api/order/refundOrder/{orderId}", get_changes=True, GET=refund, POST=refund),
    resource("/api/order/refundProductFromOrder/{orderId}", get_changes=True, GET=refund_product, POST=refund_product),
    resource("/api/order/{orderId}", PATCH=update),
]


def _id(request: Request) -> str:
    return either_id("Order", "orderId", request.path_params["orderId"])


def _answer(order: Order) -> Response:
    return JSONAnswer(_shown(order))


def _shown(order: Order) -> dict[str, object]:
    """An order as its document shows it: of the card its last four digits, as the number that they make."""
    shown = to_json(order) | {"products": lines_to_json(order.products), "cardLast4": int(order.card_last4)}
    del shown["copy"]
    return {"cardNumber" if name == "cardLast4" else name: value for name, value in shown.items()}
