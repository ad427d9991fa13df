"""The documented paths of orders."""

from typing import Any

import pytest

from models.orders.order import Order
from tests.support.api import ADMIN, Api, bearer, token, unique
from tests.support.orders import events_of, make_order

UNKNOWN = "6553f1a2b3c4d5e6f7a8b9c0"
LINE = {"productId": "a", "quantity": 1, "price": 1}
FLAG = "refunded must say whether every unit of every product is refunded"
LINE_FLAG = "products.0.isRefunded must say whether refundedQuantity is more than zero"


def owner(order: Order) -> dict[str, str]:
    return bearer(order.user_id, "default")


async def refund_product(api: Api, order: Order, headers: dict[str, str] | None = None, **query: Any) -> Any:
    path = f"/api/order/refundProductFromOrder/{order.id}"
    return await api.http.get(path, params=query, headers=headers or owner(order))


async def test_an_order_is_shown_as_the_document_lists_it(api: Api) -> None:
    order = await make_order(api.services, isGift=True)
    answer = await api.http.get(f"/api/order/findOrder/{order.id}", headers=owner(order))
    assert answer.status_code == 200
    shown = answer.json()
    assert shown.pop("createdAt") == shown.pop("updatedAt")
    assert shown == {
        "_id": order.id,
        "userId": order.user_id,
        "checkoutId": order.checkout_id,
        "basketId": order.basket_id,
        "paymentId": order.payment_id,
        "products": [
            {
                "productId": "p1",
                "quantity": 3,
                "price": 19.9,
                "isRefunded": False,
                "refundedQuantity": 0,
                "sellerId": "s1",
            },
            {
                "productId": "p2",
                "quantity": 2,
                "price": 10,
                "isRefunded": False,
                "refundedQuantity": 0,
                "sellerId": None,
            },
        ],
        "address": "1 Long Street",
        "isGift": True,
        "status": "Pending",
        "totalPrice": 79.7,
        "refunded": False,
        "cardNumber": 42,
    }


@pytest.mark.parametrize(
    ("paid", "written"),
    [(19.9, b"19.9"), (0.1 + 0.2, b"0.3"), (20.0, b"20"), (1e12 + 0.01, b"1000000000000.01"), (0, b"0")],
)
async def test_money_is_written_as_the_decimal_it_is(api: Api, paid: float, written: bytes) -> None:
    order = await make_order(api.services, totalPrice=paid)
    answer = await api.http.get(f"/api/order/findOrder/{order.id}", headers=owner(order))
    assert b'"totalPrice":' + written + b"," in answer.content


async def test_the_orders_of_a_user_are_a_bare_list_the_newest_first(api: Api) -> None:
    user = unique("user")
    made = [await make_order(api.services, userId=user) for _ in range(3)]
    answer = await api.http.get(f"/api/order/find/{user}", headers=bearer(user))
    assert [order["_id"] for order in answer.json()] == [order.id for order in reversed(made)]
    assert (await api.http.get(f"/api/order/find/{user}", headers=ADMIN)).json() == answer.json()
    nobody = await api.http.get(f"/api/order/find/{unique()}", headers=ADMIN)
    assert (nobody.status_code, nobody.json()) == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "find/{user}", None),
        ("GET", "findOrder/{id}", None),
        ("PATCH", "{id}", {"address": "2 Short Street"}),
        ("GET", "refundOrder/{id}", None),
        ("POST", "refundOrder/{id}", None),
        ("GET", "refundProductFromOrder/{id}?productId=p1&quantity=1", None),
        ("POST", "refundProductFromOrder/{id}?productId=p1&quantity=1", None),
    ],
)
async def test_every_path_is_for_the_owner_and_for_admins(api: Api, method: str, path: str, body: Any) -> None:
    async def call(headers: dict[str, str]) -> tuple[int, str]:
        order = await make_order(api.services, userId=user)
        url = "/api/order/" + path.format(user=user, id=order.id)
        answer = await api.http.request(method, url, json=body, headers=headers)
        return answer.status_code, answer.json().get("code", "") if answer.status_code != 200 else ""

    user = unique("user")
    assert await call({}) == (401, "UNAUTHENTICATED")
    assert await call({"authorization": "Bearer nonsense"}) == (403, "FORBIDDEN")
    assert await call(bearer(unique("stranger"))) == (403, "FORBIDDEN")
    assert await call(bearer(user)) == (200, "")
    assert await call(bearer(unique("boss"), "admin")) == (200, "")
    assert await call(ADMIN) == (200, "")


async def test_an_unknown_order_is_404_and_a_malformed_id_400(api: Api) -> None:
    for method, path in (
        ("GET", "findOrder/{}"),
        ("PATCH", "{}"),
        ("GET", "refundOrder/{}"),
        ("GET", "refundProductFromOrder/{}?productId=p1&quantity=1"),
    ):
        unknown, malformed = [
            await api.http.request(
                method,
                "/api/order/" + path.format(identifier),
                headers=bearer("u") | {"content-type": "application/json"},
                content=b'{"address": "x"}' if method == "PATCH" else None,
            )
            for identifier in (UNKNOWN, "nonsense")
        ]
        assert (unknown.status_code, unknown.json()["message"]) == (404, "Order not Found."), path
        assert unknown.json()["code"] == "ORDER_NOT_FOUND"
        assert malformed.status_code == 400, path
        assert malformed.json()["errors"] == ["orderId must be a valid ObjectId"]


async def test_a_blank_user_is_400_and_an_absent_one_404(api: Api) -> None:
    assert (await api.http.get("/api/order/find/%20", headers=ADMIN)).status_code == 400
    assert (await api.http.get("/api/order/find/", headers=ADMIN)).status_code == 404
    assert (await api.http.get("/api/order/find/a%00b", headers=ADMIN)).status_code == 400


async def test_a_wrong_method_is_405_with_the_right_ones(api: Api) -> None:
    answer = await api.http.delete(f"/api/order/refundOrder/{UNKNOWN}", headers=ADMIN)
    assert answer.status_code == 405
    assert {word.strip() for word in answer.headers["allow"].split(",")} >= {"GET", "POST"}


@pytest.mark.parametrize("path", ["refundOrder/{}", "refundProductFromOrder/{}?productId=p1&quantity=1"])
async def test_the_head_of_a_refund_is_405_and_refunds_nothing(api: Api, path: str) -> None:
    order = await make_order(api.services)
    for headers in (owner(order), ADMIN, {}):
        answer = await api.http.head("/api/order/" + path.format(order.id), headers=headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, POST"
    shown = (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).json()
    assert (shown["refunded"], [line["refundedQuantity"] for line in shown["products"]]) == (False, [0, 0])
    assert len(await events_of(api.services, order.id)) == 3
    assert (await api.http.head(f"/api/order/findOrder/{order.id}", headers=ADMIN)).status_code == 200


async def test_its_owner_may_change_address_and_gift_while_it_is_pending(api: Api) -> None:
    order = await make_order(api.services)
    path, change = f"/api/order/{order.id}", {"address": " 2 Short Street ", "isGift": True}
    answer = await api.http.patch(path, json=change, headers=owner(order))
    assert answer.status_code == 200
    assert (answer.json()["address"], answer.json()["isGift"]) == ("2 Short Street", True)
    assert (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).json() == answer.json()
    assert (await api.http.patch(path, json={"status": "Shipped"}, headers=ADMIN)).status_code == 200
    late = await api.http.patch(path, json=change, headers=owner(order))
    assert (late.status_code, late.json()["code"]) == (403, "ORDER_NOT_PENDING")


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Shipped"},
        {"totalPrice": 1},
        {"refunded": False},
        {"cardNumber": 1},
        {"products": [{"productId": "p", "quantity": 1, "price": 1}]},
    ],
)
async def test_every_other_field_is_for_admins(api: Api, change: dict[str, Any]) -> None:
    order = await make_order(api.services)
    refused = await api.http.patch(f"/api/order/{order.id}", json=change, headers=owner(order))
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    changed = await api.http.patch(f"/api/order/{order.id}", json=change, headers=ADMIN)
    assert changed.status_code == 200, changed.text
    (name,) = change
    if name != "products":
        assert changed.json()[name] == change[name]


async def test_an_admin_sets_the_lines_of_an_order_whole(api: Api) -> None:
    order = await make_order(api.services)
    lines = [
        {
            "productId": "a",
            "quantity": 5,
            "price": 0.000007,
            "isRefunded": True,
            "refundedQuantity": 2,
            "sellerId": "s",
        },
        {"productId": "b", "quantity": 1, "price": 3, "isRefunded": False, "refundedQuantity": 0, "sellerId": None},
    ]
    answer = await api.http.patch(f"/api/order/{order.id}", json={"products": lines}, headers=ADMIN)
    assert answer.json()["products"] == lines


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"address": 5}, ["address must be a string"]),
        ({"isGift": "yes"}, ["isGift must be true or false"]),
        ({"color": "red", "totalPrice": "1"}, ["color is not a known field", "totalPrice must be an amount of money"]),
        ({"userId": "other"}, ["userId cannot be changed"]),
        ({"_id": UNKNOWN, "paymentId": "x"}, ["_id cannot be changed", "paymentId cannot be changed"]),
        ({"checkoutId": "x", "basketId": "x"}, ["checkoutId cannot be changed", "basketId cannot be changed"]),
        ({"totalPrice": -1}, ["totalPrice must be from 0 to 9999999999999.99"]),
        ({"totalPrice": 0.001}, ["totalPrice must have at most two decimals"]),
        ({"totalPrice": None, "refunded": True}, [FLAG]),
        (
            {"products": [LINE | {"price": 0.0000001}, LINE | {"price": 1000000000.123456}, LINE | {"price": 1e300}]},
            [
                "products.0.price must have at most six decimals and fifteen digits",
                "products.1.price must have at most six decimals and fifteen digits",
                "products.2.price must be from 0 to 9999999999999.99",
            ],
        ),
        ({"products": [LINE], "refunded": True}, [FLAG]),
        ({"products": [LINE | {"refundedQuantity": 1}], "refunded": False}, [FLAG]),
        ({"products": [LINE | {"isRefunded": True}]}, [LINE_FLAG]),
        ({"cardNumber": "abc"}, ["cardNumber must be a card number"]),
        ({"products": []}, ["products must hold from 1 to 1000 items"]),
        ({"products": [5]}, ["products must be a list of objects"]),
        (
            {"products": [{"productId": "a", "quantity": 1.5, "x": 1}]},
            [
                "products.0.x is not a known field",
                "products.0.quantity must be a whole number",
                "products.0.price is required",
            ],
        ),
        (
            {"products": [{"productId": "a", "quantity": 1, "price": 1, "refundedQuantity": 2, "isRefunded": False}]},
            [
                "products.0.refundedQuantity must be at most 1",
                LINE_FLAG,
            ],
        ),
        ({}, ["There is nothing to change"]),
    ],
)
async def test_a_bad_change_names_its_faults_and_changes_nothing(
    api: Api, change: dict[str, Any], errors: list[str]
) -> None:
    order = await make_order(api.services)
    before = (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).content
    answer = await api.http.patch(f"/api/order/{order.id}", json=change, headers=ADMIN)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_USER_INPUT")
    assert answer.json()["errors"] == errors
    assert (await api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN)).content == before


async def test_ids_may_be_repeated(api: Api) -> None:
    order = await make_order(api.services)
    change = {"_id": order.id, "userId": order.user_id, "paymentId": order.payment_id, "address": "There"}
    answer = await api.http.patch(f"/api/order/{order.id}", json=change, headers=owner(order))
    assert (answer.status_code, answer.json()["address"]) == (200, "There")


async def test_who_may_call_is_judged_before_what_was_sent(api: Api) -> None:
    order = await make_order(api.services)
    stranger = bearer(unique("stranger")) | {"content-type": "application/json"}
    answer = await api.http.patch(f"/api/order/{order.id}", content=b"{nonsense", headers=stranger)
    assert answer.status_code == 403
    own = owner(order) | {"content-type": "application/json"}
    assert (await api.http.patch(f"/api/order/{order.id}", content=b"{nonsense", headers=own)).status_code == 400
    assert (await api.http.patch(f"/api/order/{order.id}", content=b"a=b", headers=owner(order))).status_code == 415
    assert (await refund_product(api, order, bearer(unique("stranger")), quantity="x")).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refunded_order_tells_its_two_topics_and_is_refunded_once(api: Api, method: str) -> None:
    order = await make_order(api.services)
    path = f"/api/order/refundOrder/{order.id}"
    answer = await api.http.request(method, path, headers=owner(order))
    shown = answer.json()
    assert (answer.status_code, shown["refunded"]) == (200, True)
    assert [(line["isRefunded"], line["refundedQuantity"]) for line in shown["products"]] == [(True, 3), (True, 2)]
    events = await events_of(api.services, order.id)
    assert events[3:] == [
        ("orderService-orderRefunded", {"refunded": True, "totalPrice": 79.7, "paymentId": order.payment_id}),
        ("orderService-productsRefundedIncreaseQuantity", {"products": shown["products"]}),
    ]
    again = await api.http.request(method, path, headers=owner(order))
    assert (again.status_code, again.json()["message"]) == (409, "Order already refunded.")
    assert again.json()["code"] == "ORDER_ALREADY_REFUNDED"
    assert await events_of(api.services, order.id) == events


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_refunded_product_tells_its_two_topics(api: Api, method: str) -> None:
    order = await make_order(api.services)
    path = f"/api/order/refundProductFromOrder/{order.id}?productId=p1&quantity=2"
    answer = await api.http.request(method, path, headers=owner(order))
    assert (answer.status_code, answer.json()["refunded"]) == (200, False)
    line = answer.json()["products"][0]
    assert (line["isRefunded"], line["refundedQuantity"]) == (True, 2)
    assert (await events_of(api.services, order.id))[3:] == [
        (
            "orderService-productFromOrderRefunded",
            {"productId": "p1", "price": 39.8, "cardNumber": 42, "paymentId": order.payment_id},
        ),
        ("orderService-productRefundedIncreaseQuantity", {"productId": "p1", "refundedQuantity": 2}),
    ]
    whole = await api.http.get(f"/api/order/refundOrder/{order.id}", headers=owner(order))
    assert (whole.status_code, whole.json()["code"]) == (409, "ORDER_PARTLY_REFUNDED")
    assert whole.json()["message"] == (
        "Some products of this order are already refunded; refund the remaining products one by one."
    )


async def test_when_the_last_unit_is_refunded_the_order_is(api: Api) -> None:
    order = await make_order(api.services)
    for product, quantity, refunded in (("p1", 1, False), ("p2", 2, False), ("p1", 2, True)):
        answer = await refund_product(api, order, productId=product, quantity=quantity)
        assert (answer.status_code, answer.json()["refunded"]) == (200, refunded)
    answer = await refund_product(api, order, productId="p1", quantity=1)
    assert answer.json()["message"] == "Order already refunded."


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"productId": "p9", "quantity": 0}, 404, "Product not found."),
        ({"productId": "p2", "quantity": 0}, 409, "Product already refunded."),
        ({"productId": "p1", "quantity": 0}, 400, "Quantity must be more than zero!"),
        ({"productId": "p1", "quantity": -1}, 400, "Quantity must be more than zero!"),
        ({"productId": "p1", "quantity": 4}, 409, "Not enough quantity!"),
        ({"productId": "p1"}, 400, "Validation failed"),
        ({"productId": "p1", "quantity": "1.5"}, 400, "Validation failed"),
        ({"productId": "p1", "quantity": ["1", "1"]}, 400, "Validation failed"),
        ({"quantity": 1}, 400, "Validation failed"),
    ],
)
async def test_refusals_of_a_product_refund_come_in_their_order(
    api: Api, query: dict[str, Any], status: int, message: str
) -> None:
    order = await make_order(api.services)
    assert (await refund_product(api, order, productId="p2", quantity=2)).status_code == 200
    before = await events_of(api.services, order.id)
    answer = await refund_product(api, order, **query)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert await events_of(api.services, order.id) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["refundOrder/{}", "refundProductFromOrder/{}?productId=p1&quantity=1"])
async def test_a_cookie_alone_may_not_refund_across_sites(api: Api, method: str, path: str) -> None:
    order = await make_order(api.services)
    cookie = {"cookie": f"token={token(order.user_id)}"}
    url = "/api/order/" + path.format(order.id)
    for across in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}):
        assert (await api.http.request(method, url, headers=cookie | across)).status_code == 403
    assert (await api.http.request(method, url, headers=cookie | {"sec-fetch-site": "same-origin"})).status_code == 200
    other = await make_order(api.services, userId=order.user_id)
    url = "/api/order/" + path.format(other.id)
    assert (await api.http.request(method, url, headers=cookie | {"x-requested-with": "x"})).status_code == 200
