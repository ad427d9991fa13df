"""What stands in a dead letter, whatever came: nothing that is not named, no secret, and always JSON. No server."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumers.handler import Handler
from consumers.kafka.kept_values import KINDS, NOT_KEPT, keep_item, sendable, sendable_value
from consumers.kafka.letters import Letter, Part, bare_letter_of, describe, kept_headers, letter_of
from consumers.kafka.reading import Event, read_events
from consumers.kafka.records import EVENT_ID, Headers, event_id, read_json, write_json
from consumers.topics import CONSUMED
from models.errors import InvalidInput
from models.payment import parse_payment

ACCEPTED = "payment-service-accept"
CREATED = "campaignService-campaignCreated"
CARD, CODE, EXPIRY = "4111111111110042", "9375", "11/39"
REFUSAL = InvalidInput.of("value", "The event is not JSON")
PAYMENT: dict[str, Any] = {
    "_id": "payment-a",
    "userId": "ada@example.org",
    "checkoutId": "64b7f0c2a1b2c3d4e5f60718",
    "basketId": "0b3e7a52-6a1c-4c1e-9d2b-1f2e3d4c5b6a",
    "products": [{"productId": "tea", "quantity": 3, "price": 19.9, "sellerId": "shop"}],
    "address": "1 Long Street, Köln",
    "isGift": False,
    "totalPrice": 59.7,
    "cardNumber": int(CARD),
}
SECRETS = {"cvv": CODE, "cardExpiry": EXPIRY}


@dataclass
class Written:
    """A record as it came."""

    value: bytes | None
    key: bytes | None = b"key"
    headers: Headers = field(default_factory=list)
    topic: str = ACCEPTED
    partition: int = 0
    offset: int = 1
    timestamp: int = 1_700_000_000_000


def said(raw: Any) -> Iterator[str]:
    """Every text in a JSON value, what is JSON, base64 or escaped in a text besides."""
    if isinstance(raw, dict):
        for name, inner in raw.items():
            yield from said(name)
            yield from said(inner)
    elif isinstance(raw, list):
        for item in raw:
            yield from said(item)
    elif isinstance(raw, str):
        yield raw
        for decode in (json.loads, lambda text: base64.b64decode(text, validate=True).decode()):
            try:
                inner = decode(raw)
            except ValueError:
                continue
            if inner != raw and not isinstance(inner, int | float):
                yield from said(inner)
    else:
        yield str(raw)


def secrets_in(letter: Letter) -> list[str]:
    """What of the card stands in a letter; its digest and its place are hexadecimal and of no card."""
    headers = [
        text.decode("latin-1")
        for name, raw in letter.headers
        for text in (name.encode(), raw)
        if name not in ("dlt-value-digest", "dlt-event-id", "dlt-original-timestamp", "dlt-value-length")
    ]
    texts = [*said(json.loads(letter.value or b"null")), (letter.key or b"").decode("latin-1"), *headers]
    found = []
    for text in texts:
        digits = "".join(letter for letter in text if letter.isdigit())
        found += [secret for secret in (CARD, CODE) if secret in digits or secret in text]
        found += [EXPIRY] if EXPIRY in text else []
    return found


def with_escapes(text: str) -> bytes:
    """JSON that says the same, every digit and slash in its texts as an escape."""

    def escaped(found: re.Match[str]) -> str:
        return re.sub(r"(\\u....|\\.)|([0-9/])", lambda one: one[1] or f"\\u{ord(one[2]):04x}", found[0])

    return re.sub(r'"(?:[^"\\]|\\.)*"', escaped, text).encode()


def nested(raw: bytes, data: st.DataObject) -> bytes:
    depth = data.draw(st.integers(1, 2000))
    return b"[" * depth + raw + b"]" * depth


def with_bytes_in_it(raw: bytes, data: st.DataObject) -> bytes:
    place = data.draw(st.integers(0, len(raw)))
    return raw[:place] + data.draw(st.sampled_from([b"\x00", b"\xff", b"}", b'"', b"[", b"\\"])) + raw[place:]


Mangle = Callable[[bytes, st.DataObject], bytes]
MANGLES: dict[str, Mangle] = {
    "as it is": lambda raw, _: raw,
    "in another encoding": lambda raw, data: raw.decode(errors="replace").encode(
        data.draw(st.sampled_from(["latin-1", "utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "cp037"])),
        errors="replace",
    ),
    "cut short": lambda raw, data: raw[: data.draw(st.integers(0, len(raw)))],
    "cut at its begin": lambda raw, data: raw[data.draw(st.integers(0, len(raw))) :],
    "with bytes before it": lambda raw, data: data.draw(st.binary(max_size=6)) + raw,
    "with bytes after it": lambda raw, data: raw + data.draw(st.binary(max_size=6)),
    "two, one a line": lambda raw, _: raw + b"\n" + raw,
    "JSON in a text": lambda raw, _: json.dumps(raw.decode(errors="replace")).encode(),
    "base64": lambda raw, _: base64.b64encode(raw),
    "base64 in a text": lambda raw, _: json.dumps(base64.b64encode(raw).decode()).encode(),
    "in a list": lambda raw, _: b"[" + raw + b"]",
    "in an object": lambda raw, _: b'{"payment": ' + raw + b"}",
    "in a field of a payment": lambda raw, data: (
        b'{"_id": "p", "' + data.draw(st.sampled_from([*PAYMENT])).encode() + b'": ' + raw + b"}"
    ),
    "nested": nested,
    "with bytes in it": with_bytes_in_it,
}


@st.composite
def payments(draw: st.DrawFn) -> bytes:
    """A payment with its secrets somewhere: beside its fields, within them, in names, twice, in escapes."""
    value = dict(PAYMENT)
    secret = draw(
        st.sampled_from(
            [
                SECRETS,
                json.dumps(SECRETS),
                [SECRETS],
                f"cvv {CODE} exp {EXPIRY}",
                f"{CARD} {CODE} {EXPIRY}",
                {f"cvv{CODE}": EXPIRY, CARD: 1},
                f"C.V.V. {CODE}",
                f"card {' '.join(CARD)}",
                base64.b64encode(json.dumps(PAYMENT | SECRETS).encode()).decode(),
                CARD.translate({ord("0") + n: chr(0xFF10 + n) for n in range(10)}),
                int(CARD),
                float(CARD) / 1000,
                CARD + CODE,
            ]
        )
    )
    place = draw(st.sampled_from([*PAYMENT, "cvv", "card", "note", CODE, f"x{CARD}"]))
    value[place] = secret
    if draw(st.booleans()):
        value["products"] = [{**PAYMENT["products"][0], draw(st.sampled_from(["productId", "sellerId", "x"])): secret}]
    if draw(st.booleans()):
        value["totalPrice"] = "much"
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = json.dumps(SECRETS)[:-1] + ', "address": "' + f"cvv {CODE}" + '", ' + text[1:]
    return with_escapes(text) if draw(st.booleans()) else text.encode()


@given(payments(), st.lists(st.sampled_from([*MANGLES]), max_size=3), st.data())
def test_no_secret_of_a_card_stands_in_a_letter_whatever_came(
    raw: bytes, mangles: list[str], data: st.DataObject
) -> None:
    for mangle in mangles:
        raw = MANGLES[mangle](raw, data)
    where = data.draw(st.sampled_from(["value", "key", "header"]))
    topic = data.draw(st.sampled_from([*KINDS]))
    record = Written(raw, topic=topic)
    if where == "key":
        record.key = raw
    if where == "header":
        names = ["ce_subject", "ce_id", "note", "cvv", "content-type", "tessera-event-id", f"x{CODE}"]
        record.headers = [(data.draw(st.sampled_from(names)), raw), ("cvv", CODE.encode())]
    letter = letter_of(record, REFUSAL)
    assert secrets_in(letter) == []
    if letter.value == NOT_KEPT:
        headers = dict(letter.headers)
        assert headers["dlt-value-omitted"] == b"true"
        assert headers["dlt-value-length"] == str(len(raw)).encode()
        assert len(headers["dlt-value-digest"]) == 64


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*PAYMENT, "x"]), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from([*KINDS]), JSON)
def test_what_is_kept_once_is_kept_again_as_it_is(topic: str, raw: Any) -> None:
    kept = keep_item(topic, read_json(json.dumps(raw).encode()))
    if kept.value is not None:
        assert keep_item(topic, read_json(kept.value)).value == kept.value


@given(
    st.fixed_dictionaries(
        {
            "_id": st.from_regex(r"[a-z]{1,8}-[0-9]{1,6}", fullmatch=True),
            "userId": st.uuids().map(str),
            "checkoutId": st.from_regex(r"[0-9a-f]{23}[a-f]", fullmatch=True),
            "basketId": st.emails().filter(lambda one: len(one) < 60),
            "address": st.sampled_from(
                ["1 Long Street", "Köln, Domkloster 4", "東京都千代田区1-1", "Rue de l'Été 5 🎁"]
            ),
            "products": st.lists(
                st.fixed_dictionaries(
                    {
                        "productId": st.from_regex(r"[A-Za-z0-9]{1,10}", fullmatch=True),
                        "quantity": st.integers(1, 10_000),
                        "price": st.decimals(0, 99_999, places=2).map(float),
                    }
                ),
                min_size=1,
                max_size=3,
            ),
            "isGift": st.booleans(),
            "totalPrice": st.decimals(0, 999_999, places=2).map(float),
            "cardNumber": st.sampled_from([int(CARD), CARD, "4111 1111 1111 0042", "****0042", 42]),
        }
    )
)
def test_a_payment_whose_letter_is_whole_is_the_payment_that_it_was(raw: dict[str, Any]) -> None:
    value = json.dumps(raw | SECRETS).encode()
    letter = letter_of(Written(value), REFUSAL)
    assert letter.value is not None
    if "dlt-value-omitted" not in dict(letter.headers):
        assert parse_payment(read_json(letter.value)) == parse_payment(read_json(value))


def test_what_a_payment_is_usually_like_is_kept_whole() -> None:
    letter = letter_of(Written(json.dumps(PAYMENT | SECRETS | {"status": "refunded"}).encode()), REFUSAL)
    assert orjson.loads(letter.value or b"") == PAYMENT | {"cardNumber": 42}
    assert not {"dlt-value-omitted", "dlt-key-omitted", "dlt-value-digest"} & {name for name, _ in letter.headers}


def test_half_of_an_emoji_stays_an_escape() -> None:
    letter = letter_of(Written(rb'{"_id": "p", "address": "caf\ud83d Z\u00fcrich"}'), REFUSAL)
    assert letter.value == r'{"_id": "p", "address": "caf\ud83d Zürich"}'.encode()
    assert json.loads(letter.value) == {"_id": "p", "address": "caf\ud83d Zürich"}


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("19.90", b"19.90"),
        ("0.1234567", b"0.123457"),
        ("59.699999999999996", b"59.700000"),
        ("4111111111110042", b"null"),
        ("41111111111.10042", b"41111111111"),
        ("0.4111111111110042", b"0.411111"),
        ("4.111111111110042e15", b"null"),
        ("1e400", b"null"),
        ("-5", b"-5"),
        ('"59,70"', b'"59,70"'),
        ('"much"', b"null"),
        ('"11/39"', b"null"),
        ("true", b"null"),
    ],
)
def test_a_number_is_kept_as_far_as_no_card_fits_into_it(number: str, kept: bytes) -> None:
    letter = letter_of(Written(b'{"_id": "p", "totalPrice": ' + number.encode() + b"}"), REFUSAL)
    assert letter.value == b'{"_id": "p", "totalPrice": ' + kept + b"}"


def test_a_letter_of_some_items_is_as_large_as_its_record_where_nothing_is_kept() -> None:
    record = Written(b'["x", {"_id": "a"}]', topic="campaignService-campaignDeleted")
    letter = letter_of(Part(record, ["x"]), REFUSAL)
    assert letter.value == NOT_KEPT
    assert dict(letter.headers)["dlt-value-length"] == b"19"


def test_the_smallest_letter_tells_of_the_key_that_it_leaves_out() -> None:
    record = Written(b"{}", key=CARD.encode(), topic="campaignService-campaignDeleted")
    letter = bare_letter_of(record, REFUSAL)
    assert letter.key is None
    assert dict(letter.headers)["dlt-key-omitted"] == b"true"


def test_only_headers_of_events_traces_and_content_are_kept() -> None:
    headers = [
        ("ce_id", b"e-1"),
        ("ce_time", b"2023-01-15T12:00:00.000Z"),
        ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("content-type", b"application/json"),
        ("cvv", CODE.encode()),
        ("card", CARD.encode()),
        ("dlt-error-code", b"NOT_FOUND"),
        ("ce_source", b"\xff"),
        ("ce_subject", CARD.encode()),
    ]
    assert [name for name, _ in kept_headers(headers)] == ["ce_id", "ce_time", "traceparent", "content-type"]


def test_every_consumed_topic_says_what_is_kept_of_it() -> None:
    assert sorted(KINDS) == sorted(CONSUMED)


@given(payments())
def test_a_reason_says_nothing_of_what_came(raw: bytes) -> None:
    try:
        parse_payment(read_json(raw))
    except InvalidInput as refusal:
        reason = describe(refusal)
        assert "…" not in reason
        assert not any(secret in reason for secret in (CODE, EXPIRY, CARD[:12], "much"))


@given(JSON)
@example({"price": Decimal("19.90"), "n": 10**40, "half": "\ud83d"})
def test_json_is_written_as_it_was_read(raw: Any) -> None:
    read = read_json(write_json(raw))
    assert read == read_json(write_json(read))
    assert write_json(read) == write_json(read_json(write_json(read)))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "The event is not JSON (line 1, column 1)"),
        (b"{} {}", "The event holds more than one JSON value"),
        (b"\xff", "The event is not JSON: it is in no Unicode encoding"),
        (b"[" * 100_000, "The event is nested too deeply"),
        (b"9" * 5000, "The event holds a number that is too long"),
        (b"1e99999999999999999999", "The event holds a number that is too large"),
        (b"[NaN]", "The event is not JSON: NaN is no number of JSON"),
        (None, "The event has no value"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(value: bytes | None, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_json(value)
    assert describe(refused.value) == sentence


def test_a_record_may_go_back_into_its_topic_as_far_as_it_can_be_read() -> None:
    raw = json.dumps(PAYMENT | SECRETS | {"address": "11/29 Long Street"}).encode()
    letter = letter_of(Written(raw), REFUSAL)
    assert dict(letter.headers)["dlt-value-omitted"] == b"partly"
    assert "dlt-value-digest" not in dict(letter.headers)
    back = sendable_value(ACCEPTED, raw)
    assert json.loads(back or b"") == PAYMENT | {"address": "11/29 Long Street", "cardNumber": 42}
    assert sendable_value(ACCEPTED, None) is None
    with pytest.raises(InvalidInput, match="no Unicode encoding"):
        sendable_value(ACCEPTED, b"\xff")


def test_an_item_that_goes_back_into_its_topic_stays_the_event_that_it_was() -> None:
    async def nothing(session: object, commands: object) -> None: ...

    handler = Handler(lambda item: item["_id"], cast("Any", nothing), lists=True)
    item = {"_id": "123456789012345678901234", "maxTotalLimit": 3, "name": "Sale"}
    came = Written(json.dumps([item, {"_id": "a" * 24, "maxTotalLimit": "none"}]).encode(), topic=CREATED)
    first, *_ = read_events(came, handler)
    assert isinstance(first, Event)
    back = sendable_value(CREATED, came.value)
    assert back != came.value
    again, *_ = read_events(replace(came, value=back, offset=9, headers=[(EVENT_ID, event_id(came).encode())]), handler)
    assert isinstance(again, Event)
    assert again.id == first.id


def test_what_is_sent_is_as_it_was_written_without_secrets() -> None:
    written = (
        b'\xef\xbb\xbf{"_id": "p",\r\n "totalPrice": 19.90, "address": "11/29 Long Street", "isGift": "yes", "cvv": 1,'
        b' "products": [{"price": 59.699999999999996, "quantity": 1e2}, "x"], "cardNumber": 4111111111110042}'
    )
    sent = write_json(sendable(ACCEPTED, read_json(written)))
    assert sent == (
        b'{"_id": "p", "products": [{"quantity": 1E+2, "price": 59.699999999999996}, "x"],'
        b' "address": "11/29 Long Street", "isGift": "yes", "totalPrice": 19.90, "cardNumber": 42}'
    )
    other = write_json(
        sendable("orderService-orderCreated", read_json(b'{"a": 0.10, "cvv": 1, "n": 12345678901234567890}'))
    )
    assert other == b'{"a": 0.10, "n": 12345678901234567890}'
    with pytest.raises(InvalidInput, match="holds nothing of what an event"):
        sendable(ACCEPTED, ["x"])


@given(payments())
def test_nothing_that_is_sent_holds_a_whole_card(raw: bytes) -> None:
    value = read_json(raw)
    assert json.loads(raw, parse_float=Decimal) == value
    sent = read_json(write_json(sendable(ACCEPTED, value)))
    assert "cvv" not in sent
    assert sent.get("cardNumber") in (None, 42, "0042")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_is_read_as_editors_save_it(encoding: str) -> None:
    text = json.dumps(PAYMENT, ensure_ascii=False, indent=1).replace("\n", "\r\n")
    assert read_json(text.encode(encoding)) == json.loads(text, parse_float=Decimal)
