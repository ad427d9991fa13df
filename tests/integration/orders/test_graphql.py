"""Orders in GraphQL, and the same request by both doors."""

from dataclasses import dataclass
from typing import Any

import pytest

from models.orders.order import Order
from models.values.ids import global_id
from tests.support.api import ADMIN, Api, bearer, unique
from tests.support.orders import events_of, make_order

ORDER = """
    id databaseId userId checkoutId basketId paymentId address isGift status statusText totalPrice refunded cardLast4
    createdAt updatedAt products { productId quantity price isRefunded refundedQuantity sellerId }
"""
PROBLEM = "... on Problem { __typename code message } ... on InvalidInput { fields { path message } }"
UPDATE = f"""mutation ($input: UpdateOrderInput!) {{
    result: updateOrder(input: $input) {{ ... on UpdateOrderPayload {{ order {{ {ORDER} }} }} {PROBLEM} }} }}"""
REFUND = f"""mutation ($input: RefundOrderInput!) {{
    result: refundOrder(input: $input) {{ ... on RefundOrderPayload {{ order {{ {ORDER} }} }} {PROBLEM} }} }}"""
REFUND_PRODUCT = f"""mutation ($input: RefundOrderProductInput!) {{
    result: refundOrderProduct(input: $input) {{
        ... on RefundOrderProductPayload {{ order {{ {ORDER} }} }} {PROBLEM} }} }}"""


async def test_an_order_is_found_by_either_id_and_as_a_node(api: Api) -> None:
    order = await make_order(api.services)
    query = f"query ($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
    for identifier in (order.id, global_id("Order", order.id)):
        found = (await api.data(query, {"id": identifier}, bearer(order.user_id)))["order"]
        assert found["databaseId"] == order.id
        assert (found["totalPrice"], found["cardLast4"]) == ("79.70", "0042")
        assert (found["status"], found["statusText"]) == ("PENDING", "Pending")
        assert [line["price"] for line in found["products"]] == ["19.90", "10.00"]
    by_node = "query ($id: ID!) { node(id: $id) { id ... on Order { databaseId } } }"
    variables = {"id": global_id("Order", order.id)}
    assert (await api.data(by_node, variables, bearer(order.user_id)))["node"]["databaseId"] == order.id
    for other in (bearer(unique()), {}):
        assert (await api.data(by_node, variables, other))["node"] is None


async def test_what_is_not_there_is_null_and_what_is_anothers_is_forbidden(api: Api) -> None:
    order = await make_order(api.services)
    query = "query ($id: ID!) { order(id: $id) { id } }"
    assert await api.data(query, {"id": "6553f1a2b3c4d5e6f7a8b9c0"}, bearer(unique())) == {"order": None}
    for headers, code in ((bearer(unique()), "FORBIDDEN"), ({}, "UNAUTHENTICATED")):
        answer = await api.graphql(query, {"id": order.id}, headers)
        assert answer["errors"][0]["extensions"]["code"] == code
    answer = await api.graphql(query, {"id": "nonsense"}, bearer(unique()))
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_the_orders_of_a_user_are_paged_from_either_end(api: Api) -> None:
    user = unique("user")
    made = [(await make_order(api.services, userId=user)).id for _ in range(5)][::-1]
    query = """query ($user: String, $first: Int, $after: String, $last: Int, $before: String) {
        orders(userId: $user, first: $first, after: $after, last: $last, before: $before) {
            totalCount nodes { databaseId } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    for headers, name in ((bearer(user), None), (bearer(user), user), (ADMIN, user)):
        page = (await api.data(query, {"user": name, "first": 2}, headers))["orders"]
        assert (page["totalCount"], [node["databaseId"] for node in page["nodes"]]) == (5, made[:2])
        after = {"user": name, "first": 9, "after": page["pageInfo"]["endCursor"]}
        rest = (await api.data(query, after, headers))["orders"]
        assert [node["databaseId"] for node in rest["nodes"]] == made[2:]
        assert not rest["pageInfo"]["hasNextPage"]
        end = (await api.data(query, {"user": name, "last": 2}, headers))["orders"]
        assert [node["databaseId"] for node in end["nodes"]] == made[3:]
        assert end["pageInfo"]["hasPreviousPage"]
    everyone = (await api.data(query, {"first": 1}, ADMIN))["orders"]
    assert everyone["totalCount"] >= 5
    forbidden = await api.graphql(query, {"user": user, "first": -1}, bearer(unique()))
    assert forbidden["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    malformed = await api.graphql(query, {"user": user, "first": -1}, bearer(user))
    assert malformed["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_free_status_shows_as_other_beside_its_text(api: Api) -> None:
    order = await make_order(api.services)
    for changes, shown in (
        ({"statusText": "Lost in the post"}, ("OTHER", "Lost in the post")),
        ({"status": "SHIPPED"}, ("SHIPPED", "Shipped")),
        ({"statusText": "Delivered"}, ("DELIVERED", "Delivered")),
    ):
        data = await api.data(UPDATE, {"input": {"id": order.id, **changes}}, ADMIN)
        assert (data["result"]["order"]["status"], data["result"]["order"]["statusText"]) == shown
    for wrong in ({"status": "OTHER"}, {"status": "SHIPPED", "statusText": "x"}):
        data = await api.data(UPDATE, {"input": {"id": order.id, **wrong}}, ADMIN)
        assert data["result"]["code"] == "BAD_USER_INPUT"


async def test_an_admin_sets_every_field_by_graphql(api: Api) -> None:
    order = await make_order(api.services)
    line = {"productId": "a", "quantity": 2, "price": "0.000001", "refundedQuantity": 2, "sellerId": "s"}
    change = {
        "id": order.id,
        "address": "There",
        "isGift": True,
        "products": [line],
        "totalPrice": "123.45",
        "refunded": True,
        "cardLast4": "0007",
    }
    shown = (await api.data(UPDATE, {"input": change}, ADMIN))["result"]["order"]
    assert shown["products"] == [line | {"isRefunded": True}]
    assert {name: shown[name] for name in ("address", "isGift", "totalPrice", "refunded", "cardLast4")} == {
        name: change[name] for name in ("address", "isGift", "totalPrice", "refunded", "cardLast4")
    }


@dataclass(frozen=True)
class Case:
    """The same request by REST and by GraphQL."""

    name: str
    method: str
    path: str
    mutation: str
    body: dict[str, Any]
    input: dict[str, Any]
    caller: str = "owner"
    after: tuple[tuple[str, int], ...] = ()


def _change(
    name: str,
    body: dict[str, Any],
    given: dict[str, Any] | None = None,
    caller: str = "owner",
    after: tuple[tuple[str, int], ...] = (),
) -> Case:
    return Case(name, "PATCH", "{id}", UPDATE, body, body if given is None else given, caller, after)


def _whole(name: str, caller: str = "owner", after: tuple[tuple[str, int], ...] = ()) -> Case:
    return Case(name, "POST", "refundOrder/{id}", REFUND, {}, {}, caller, after)


def _units(
    name: str, product: str, quantity: int, caller: str = "owner", after: tuple[tuple[str, int], ...] = ()
) -> Case:
    path = f"refundProductFromOrder/{{id}}?productId={product}&quantity={quantity}"
    given = {"productId": product, "quantity": quantity}
    return Case(name, "GET", path, REFUND_PRODUCT, {}, given, caller, after)


ALL = (("p1", 3), ("p2", 2))
LINE = {"productId": "p", "quantity": 1, "refundedQuantity": 1}
CASES = [
    _change("address", {"address": "There"}),
    _change("gift", {"isGift": True}),
    _change("status by its user", {"status": "Shipped"}, {"status": "SHIPPED"}),
    _change("status by an admin", {"status": "Shipped"}, {"status": "SHIPPED"}, "admin"),
    _change("free status", {"status": "Somewhere"}, {"statusText": "Somewhere"}, "admin"),
    _change("total", {"totalPrice": 0.3}, {"totalPrice": "0.3"}, "admin"),
    _change("refunded without its lines", {"refunded": True}, caller="admin"),
    _change("no longer refunded", {"refunded": False}, caller="admin", after=ALL),
    _change("lines and flag", {"refunded": True, "products": [LINE | {"price": 1}]}, {
        "refunded": True, "products": [LINE | {"price": "1"}]
    }, "admin"),
    _change("lines after a refund", {"products": [LINE | {"price": 1}]}, {
        "products": [LINE | {"price": "1"}]
    }, "admin", (("p1", 1),)),
    _change("total after a refund", {"totalPrice": 0.3}, {"totalPrice": "0.3"}, "admin", (("p1", 1),)),
    _change("total too fine", {"totalPrice": 0.001}, {"totalPrice": "0.001"}, "admin"),
    _change("card", {"cardNumber": "4111111111110042"}, {"cardLast4": "4111111111110042"}, "admin"),
    _change("no card", {"cardNumber": "x"}, {"cardLast4": "x"}, "admin"),
    _change("lines", {"products": [{"productId": "", "quantity": 1, "price": 1}]}, {
        "products": [{"productId": "", "quantity": 1, "price": "1"}]
    }, "admin"),
    _change("nothing", {}),
    _change("by a stranger", {"address": ""}, caller="stranger"),
    _change("by nobody", {"address": "x"}, caller="nobody"),
    _change("of no order", {"address": "x"}, caller="of nothing"),
    _change("by a bad id", {"address": "x"}, caller="by nonsense"),
    _whole("whole"),
    _whole("whole by an admin", "admin"),
    _whole("whole by a stranger", "stranger"),
    _whole("whole by nobody", "nobody"),
    _whole("whole of no order", "of nothing"),
    _whole("whole after a part", after=(("p1", 1),)),
    _whole("whole after all parts", after=ALL),
    _units("some units", "p1", 2),
    _units("the last units", "p1", 3, after=(("p2", 2),)),
    _units("no such product", "p9", 1),
    _units("refunded product", "p2", 1, after=(("p2", 2),)),
    _units("no units", "p1", 0),
    _units("too many units", "p1", 4),
    _units("too many of the rest", "p1", 3, after=(("p1", 1),)),
    _units("of a refunded order", "p1", 1, after=ALL),
    _units("units by a stranger", "p9", 0, "stranger"),
    _units("units of no order", "p1", 1, "of nothing"),
]  # fmt: skip
STATUS = {"UNAUTHENTICATED": 401, "FORBIDDEN": 403}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_both_doors_answer_alike_and_leave_the_same(api: Api, case: Case) -> None:
    user = unique("user")
    by_rest, by_graphql = [await make_order(api.services, userId=user) for _ in range(2)]
    for order in (by_rest, by_graphql):
        for product, quantity in case.after:
            path = f"/api/order/refundProductFromOrder/{order.id}?productId={product}&quantity={quantity}"
            assert (await api.http.get(path, headers=ADMIN)).status_code == 200
    headers = {"admin": ADMIN, "stranger": bearer(unique()), "nobody": {}}.get(case.caller, bearer(user))
    target = {"of nothing": "6553f1a2b3c4d5e6f7a8b9c0", "by nonsense": "nonsense"}.get(case.caller)

    url = "/api/order/" + case.path.format(id=target or by_rest.id)
    rest = await api.http.request(case.method, url, json=case.body if case.method == "PATCH" else None, headers=headers)
    graphql = await api.graphql(case.mutation, {"input": {"id": target or by_graphql.id, **case.input}}, headers)

    if "errors" in graphql:
        (error,) = graphql["errors"]
        refusal = (error["extensions"]["code"], error["message"])
        assert rest.status_code == STATUS[error["extensions"]["code"]]
    else:
        result = graphql["data"]["result"]
        refusal = (result["code"], result["message"].replace("orderId", "id")) if "code" in result else ("", "")
    shown = rest.json()
    expected = (shown["code"], shown["message"].replace("orderId", "id")) if rest.status_code != 200 else ("", "")
    assert refusal == expected
    assert await state_of(api, by_graphql) == await state_of(api, by_rest)


async def state_of(api: Api, order: Order) -> Any:
    """What is left of an order and its events, without what differs between any two orders."""
    shown = (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).json()
    own = {"_id", "checkoutId", "basketId", "paymentId", "createdAt", "updatedAt"}
    told = await events_of(api.services, order.id)
    events = [(topic, str(value).replace(order.payment_id, "payment")) for topic, value in told]
    return {name: value for name, value in shown.items() if name not in own}, events[3:]
