"""Tokens of every content: only those whose claims hold name a user, and none breaks anything."""

import asyncio
import json
import time
from math import isfinite
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS
from starlette.requests import HTTPConnection

from models.claims import LAST_INSTANT, read_claims
from models.errors import ErrorReason, ExpiredToken, InvalidToken
from models.principal import Principal, Role
from models.values.texts import clean
from server.authentication import Authenticator
from tests.support.api import JWT_SECRET, NoKeys, settings_for, signed

NOW = 1_700_000_000.25
GOOD: dict[str, Any] = {"userId": "ada", "userType": ["default"], "exp": NOW + 60}
authenticator = Authenticator(settings_for("mongodb://unused/x"), NoKeys(), clock=lambda: NOW)


def caller_of(token: str) -> Principal:
    headers = [(b"authorization", f"Bearer {token}".encode())]
    connection = HTTPConnection({"type": "http", "headers": headers, "client": ("127.0.0.1", 1)})
    return asyncio.run(authenticator.principal(connection))


def reason_of(token: str) -> ErrorReason | None:
    """Why the token names nobody; None where it names somebody."""
    caller = caller_of(token)
    if caller.refusal is None:
        assert caller.user_id
        return None
    assert isinstance(caller.refusal, InvalidToken)
    assert (caller.user_id, caller.user_types, caller.role) == (None, (), None)
    return caller.refusal.reason


LETTERS = st.text(st.characters() | st.sampled_from("\x00\ud800\udfff\u200b\ufeff \u00ad"), max_size=6)
NUMBERS = st.integers() | st.integers(int(NOW) - 100, int(NOW) + 100) | st.floats() | st.just(10**400)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | LETTERS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LETTERS, inner, max_size=4),
    max_leaves=8,
)
KINDS = st.lists(LETTERS | st.sampled_from(["admin", "shop"]), max_size=4)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "userId": LETTERS | ANY_JSON,
        "userType": KINDS | ANY_JSON,
        "exp": st.just(NOW + 60) | NUMBERS | ANY_JSON,
        "nbf": NUMBERS | ANY_JSON,
        "iat": ANY_JSON,
        "sub": ANY_JSON,
        "aud": ANY_JSON,
        "iss": ANY_JSON,
        "jti": ANY_JSON,
    },
)


def is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and isfinite(value))


def is_text(value: object) -> bool:
    return isinstance(value, str) and "\x00" not in value and value.encode(errors="replace").decode() == value


def is_sound(claims: dict[str, Any]) -> bool:
    """The contract of a token, said a second time: all but whether it has expired."""
    kinds, nbf = claims.get("userType", []), claims.get("nbf", 0)
    return (
        is_text(claims.get("userId"))
        and bool(clean(claims["userId"]))
        and isinstance(kinds, list)
        and all(map(is_text, kinds))
        and is_number(claims.get("exp"))
        and is_number(nbf)
        and nbf <= NOW + 30
    )


@given(CLAIMS | CLAIMS.map(GOOD.__or__) | CLAIMS.map(lambda odd: odd | GOOD))
@example(GOOD | {"iat": "yesterday"})
@example(GOOD | {"userType": [5]})
@example(GOOD | {"exp": True})
@example(GOOD | {"exp": str(int(NOW) + 60)})
@example(GOOD | {"userId": "\ud800"})
def test_a_token_names_a_user_just_where_its_claims_hold(claims: dict[str, Any]) -> None:
    reason = reason_of(signed(**claims))
    if not is_sound(claims):
        assert reason is ErrorReason.TOKEN_INVALID
    elif claims["exp"] <= NOW:
        assert reason is ErrorReason.TOKEN_EXPIRED
    else:
        assert reason is None
        caller = caller_of(signed(**claims))
        assert caller.user_id == clean(claims["userId"])
        assert (caller.role is Role.ADMIN) == ("admin" in claims.get("userType", []))
        assert caller.expires_at == min(claims["exp"], LAST_INSTANT)
        orjson.dumps([caller.user_id, *caller.user_types])


@given(ANY_JSON)
def test_a_payload_that_is_no_object_names_nobody(payload: Any) -> None:
    if not isinstance(payload, dict):
        raw = json.dumps(payload).encode()
        assert reason_of(PyJWS().encode(raw, JWT_SECRET, algorithm="HS256")) is ErrorReason.TOKEN_INVALID


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_bytes_that_are_no_token_name_nobody(head: bytes, body: bytes) -> None:
    for token in (head.hex(), f"{head.hex()}.{body.hex()}.{head.hex()}", body.decode("latin-1").replace("\n", "")):
        assert not token.strip() or caller_of(token).user_id is None


@pytest.mark.parametrize(
    ("exp", "reason"),
    [
        (NOW, ErrorReason.TOKEN_EXPIRED),
        (NOW - 0.25, ErrorReason.TOKEN_EXPIRED),
        (int(NOW), ErrorReason.TOKEN_EXPIRED),
        (0, ErrorReason.TOKEN_EXPIRED),
        (-5, ErrorReason.TOKEN_EXPIRED),
        (-(10**400), ErrorReason.TOKEN_EXPIRED),
        (NOW + 0.25, None),
        (int(NOW) + 1, None),
        (10**400, None),
        (float("inf"), ErrorReason.TOKEN_INVALID),
        (float("nan"), ErrorReason.TOKEN_INVALID),
        (None, ErrorReason.TOKEN_INVALID),
        ([NOW + 60], ErrorReason.TOKEN_INVALID),
    ],
    ids=str,
)
def test_a_token_expires_at_its_exp_and_not_a_moment_later(exp: Any, reason: ErrorReason | None) -> None:
    assert reason_of(signed(**GOOD | {"exp": exp})) is reason


@pytest.mark.parametrize(("ahead", "holds"), [(-5, True), (1, True), (30, True), (30.5, False), (300, False)])
def test_a_clock_may_be_half_a_minute_ahead(ahead: float, holds: bool) -> None:
    assert (reason_of(signed(**GOOD | {"nbf": NOW + ahead})) is None) is holds


def test_an_expired_token_that_would_not_hold_anyway_is_invalid() -> None:
    for wrong in ({"userId": ""}, {"userType": ["a", 1]}, {"nbf": "now"}):
        assert reason_of(signed(**GOOD | {"exp": 5} | wrong)) is ErrorReason.TOKEN_INVALID


@pytest.mark.parametrize("shown", ["ada\u200b", "\ufeffada", " ada ", "a\u00adda"])
def test_what_nobody_can_see_makes_no_other_user(shown: str) -> None:
    assert caller_of(signed(**GOOD | {"userId": shown})).user_id == "ada"


FOREIGN = "another-secret-of-thirty-two-bytes!!"


@pytest.mark.parametrize(
    "token",
    [
        signed(FOREIGN, **GOOD),
        jwt.encode(GOOD, JWT_SECRET + "x" * 32, algorithm="HS512"),
        jwt.encode(GOOD, JWT_SECRET + "x" * 32, algorithm="HS384"),
        jwt.encode(GOOD, "", algorithm="none"),
        jwt.encode(GOOD, JWT_SECRET, algorithm="HS256", headers={"crit": ["exp"]}),
        jwt.encode(GOOD, JWT_SECRET, algorithm="HS256", headers={"kid": "k"})[:-2],
        jwt.encode(GOOD, JWT_SECRET, algorithm="HS256") + ".x",
        jwt.encode(GOOD, JWT_SECRET, algorithm="HS256").rpartition(".")[0] + ".",
        "..",
        "é.é.é",
    ],
)
def test_another_signature_names_nobody(token: str) -> None:
    assert reason_of(token) is ErrorReason.TOKEN_INVALID


def test_a_header_or_a_payload_of_great_depth_breaks_nothing() -> None:
    deep = "[" * 20_000 + "]" * 20_000
    head, body, signature = signed(**GOOD).split(".")
    nested = PyJWS().encode(f'{{"userId": {deep}}}'.encode(), JWT_SECRET, algorithm="HS256")
    header = jwt.utils.base64url_encode(f'{{"alg": "HS256", "x": {deep}}}'.encode()).decode()
    numeral = PyJWS().encode(b'{"userId": "a", "exp": ' + b"9" * 5000 + b"}", JWT_SECRET, algorithm="HS256")
    for token in (nested, f"{header}.{body}.{signature}", numeral, f"{head}.{header}.{signature}"):
        assert reason_of(token) is ErrorReason.TOKEN_INVALID


def test_the_rule_is_pure() -> None:
    claims = read_claims(GOOD, NOW)
    assert (claims.user_id, claims.user_types, claims.expires_at) == ("ada", ("default",), NOW + 60)
    with pytest.raises(ExpiredToken):
        read_claims(GOOD, time.time())
