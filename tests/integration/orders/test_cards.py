"""Card numbers: only the last four digits are ever stored, logged, published or answered."""

import logging
from typing import Any

import pytest
from bson import json_util
from hypothesis import given
from hypothesis import strategies as st

from models.values.card_numbers import last_four, mask_digits, without_card_secrets
from tests.support.api import ADMIN, Api, unique
from tests.support.orders import CARD_NUMBER, make_order

SECRET = str(CARD_NUMBER)[:12]
MAESTRO = 6_759_649_826_438_453


async def everything_stored(api: Api) -> str:
    database = api.services.database.collection("any").database
    names = await database.list_collection_names()
    return json_util.dumps({name: await database[name].find({}).to_list(None) for name in names})


async def test_a_whole_number_stays_nowhere(own_api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for logger in ("pymongo", "asyncio"):
        caplog.set_level(logging.INFO, logger)
    order = await make_order(own_api.services)
    path = f"/api/order/{order.id}"
    answers: list[Any] = [
        await own_api.http.get(f"/api/order/findOrder/{order.id}", headers=ADMIN),
        await own_api.http.get(f"/api/order/find/{order.user_id}", headers=ADMIN),
    ]
    for number in (
        CARD_NUMBER,
        str(CARD_NUMBER),
        "4111 1111 1111 0042",
        f"x{CARD_NUMBER}",
        float(CARD_NUMBER),
        -CARD_NUMBER,
    ):
        keyed = ADMIN | {"idempotency-key": unique("key")}
        answers += [
            await own_api.http.patch(path, json={"cardNumber": number}, headers=headers) for headers in (ADMIN, keyed)
        ]
        answers.append(await own_api.http.patch(path, json={"cardNumber": number, "color": "red"}, headers=ADMIN))
    mutation = """mutation ($input: UpdateOrderInput!) { updateOrder(input: $input) {
        ... on UpdateOrderPayload { order { cardLast4 } } ... on Problem { message } } }"""
    for given_number in (CARD_NUMBER, str(CARD_NUMBER), [CARD_NUMBER], {"number": CARD_NUMBER}):
        for key in ({}, {"idempotencyKey": unique("key")}):
            variables = {"input": {"id": order.id, "cardLast4": given_number, **key}}
            body = {"query": mutation, "variables": variables}
            answers.append(await own_api.http.post("/graphql", json=body, headers=ADMIN))
    literal = f'mutation {{ updateOrder(input: {{id: "{order.id}", cardLast4: {CARD_NUMBER}}}) {{ __typename }} }}'
    answers.append(await own_api.http.post("/graphql", json={"query": literal}, headers=ADMIN))
    await own_api.http.get(
        f"/api/order/refundProductFromOrder/{order.id}", params={"productId": "p1", "quantity": 1}, headers=ADMIN
    )
    answers.append(await own_api.http.post(f"/api/order/refundOrder/{CARD_NUMBER}", headers=ADMIN))
    for answer in answers:
        assert SECRET not in answer.text.replace(" ", ""), answer.text
    assert "0042" in str([answer.text for answer in answers])
    stored = await everything_stored(own_api)
    assert "0042" in stored
    assert SECRET not in stored.replace(" ", "")
    ours = [vars(record) | {"message": record.getMessage()} for record in caplog.records if record.name != "httpx"]
    assert any(record.get("path") == "/api/order/refundOrder/…0042" for record in ours)
    assert SECRET not in str(ours).replace(" ", "")


@given(st.integers(0, 10**19))
def test_only_four_digits_of_any_number_are_kept(number: int) -> None:
    kept = last_four(number)
    assert kept is not None
    assert len(kept) == 4
    assert int(kept) == number % 10_000


@pytest.mark.parametrize(
    ("raw", "cut"),
    [
        ({"cardNumber": CARD_NUMBER, "cvv": 123, "expiryDate": "12/31"}, {"cardNumber": 42}),
        ({"payment": {"card_number": "4111 1111 1111 0042", "CVC": "1"}}, {"payment": {"card_number": "0042"}}),
        ([{"cardNo": "4111-1111-1111-0042"}], [{"cardNo": "0042"}]),
        ({"note": f"paid with {MAESTRO}!"}, {"note": "paid with …8453!"}),
        ({"amount": MAESTRO}, {"amount": 8453}),
        ({"cardNumber": "card4111111111110042or"}, {"cardNumber": "card…0042or"}),
        ({"cardNumber": "x4111111111110042", "pan": [CARD_NUMBER]}, {"cardNumber": "0042", "pan": [42]}),
        ({"card": {"number": CARD_NUMBER, "holder": "Ada", "cvv": 1}}, {"card": {"number": 42, "holder": "Ada"}}),
        ({"userId": str(MAESTRO), "at": 1_700_000_000_000}, {"userId": str(MAESTRO), "at": 1_700_000_000_000}),
        ({"price": 19.9, "isGift": True, "none": None}, {"price": 19.9, "isGift": True, "none": None}),
        ({"change": -54_209_632_094_016_328}, {"change": -54_209_632_094_016_328}),
        ({"change": -MAESTRO}, {"change": 8453}),
    ],
)
def test_a_value_loses_its_card_numbers_and_nothing_else(raw: Any, cut: Any) -> None:
    assert without_card_secrets(raw) == cut


def test_what_is_no_json_loses_every_long_run_of_digits() -> None:
    assert mask_digits(f'{{"cardNumber": {CARD_NUMBER}, "quantity": 3') == '{"cardNumber": …0042, "quantity": 3'
    assert mask_digits("4111 1111 1111 0042") == "…0042"
