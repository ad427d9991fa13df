"""Who is calling: the key, the token, and what does not hold."""

from datetime import timedelta

import jwt
import pytest
from starlette.requests import HTTPConnection

from models.errors import Forbidden, InvalidToken, Unauthenticated
from models.principal import Principal
from server.authentication import Authenticator
from tests.support.api import ADMIN_KEY, JWT_SECRET, settings_for, token

authenticator = Authenticator(settings_for("mongodb://unused/x"))


def connection(query: str = "", **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection(
        {"type": "http", "headers": raw, "query_string": query.encode(), "client": ("127.0.0.1", 1), "path": "/"}
    )


def test_nobody_is_anonymous_and_is_asked_to_sign_in() -> None:
    caller = authenticator.principal(connection())
    assert caller == Principal("127.0.0.1")
    for require in (caller.require_admin, caller.require_signed_in):
        with pytest.raises(Unauthenticated, match="Authentication required"):
            require()


def test_the_admin_key_makes_an_admin_from_the_header_and_where_allowed_from_the_query() -> None:
    assert authenticator.principal(connection(x_admin_key=ADMIN_KEY)).is_admin
    query = connection(f"adminKey={ADMIN_KEY}")
    assert not authenticator.principal(query).is_admin
    assert authenticator.principal(query, query_key=True).is_admin
    both = connection(f"adminKey={ADMIN_KEY}", x_admin_key="wrong")
    with pytest.raises(Forbidden, match="Invalid authentication credentials"):
        authenticator.principal(both, query_key=True).require_admin()


def test_a_token_names_a_user_and_an_admin_by_type() -> None:
    for headers in ({"authorization": f"bearer {token('u1', 'shop')}"}, {"cookie": f"token={token('u1', 'shop')}"}):
        caller = authenticator.principal(connection(**headers))
        assert (caller.user_id, caller.user_types, caller.is_admin) == ("u1", ("shop",), False)
        caller.require_self("u1")
        with pytest.raises(Forbidden):
            caller.require_self("u2")
    assert authenticator.principal(connection(authorization=f"Bearer {token('u1', 'admin')}")).is_admin


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        token("u1", lasts=timedelta(seconds=-1)),
        token(None),
        token(""),
        token("a\x00b"),
        jwt.encode({"userId": "u1", "userType": []}, JWT_SECRET, algorithm="HS256"),
        jwt.encode({"userId": "u1", "exp": 9_999_999_999}, "another-secret-of-thirty-two-bytes!!", algorithm="HS256"),
        jwt.encode({"userId": "u1", "exp": 9_999_999_999}, JWT_SECRET + "x" * 32, algorithm="HS512"),
        jwt.encode({"userId": "u1", "exp": 9_999_999_999}, None, algorithm="none"),
        jwt.encode({"userId": "u1", "userType": "admin", "exp": 9_999_999_999}, JWT_SECRET, algorithm="HS256"),
        jwt.encode({"userId": 5, "userType": [], "exp": 9_999_999_999}, JWT_SECRET, algorithm="HS256"),
    ],
)
def test_a_token_that_does_not_hold_names_nobody(bad: str) -> None:
    caller = authenticator.principal(connection(authorization=f"Bearer {bad}"))
    assert caller.user_id is None
    assert not caller.is_admin
    if bad:
        assert isinstance(caller.refusal, InvalidToken)


def test_an_expired_token_is_told_apart() -> None:
    expired = token("u1", lasts=timedelta(seconds=-1))
    caller = authenticator.principal(connection(authorization=f"Bearer {expired}"))
    with pytest.raises(InvalidToken, match=r"Token has expired\."):
        caller.require_signed_in()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"x_requested_with": "fetch"}, True),
    ],
)
def test_a_cookie_changes_state_by_get_from_the_same_origin_only(headers: dict[str, str], allowed: bool) -> None:
    cookie = connection(cookie=f"token={token('u1')}", **headers)
    caller = authenticator.principal(cookie, changes_by_get=True)
    assert (caller.user_id == "u1") is allowed
    if not allowed:
        with pytest.raises(Forbidden):
            caller.require_signed_in()
    bearer = connection(authorization=f"Bearer {token('u1')}", **headers)
    assert authenticator.principal(bearer, changes_by_get=True).user_id == "u1"


def test_a_websocket_may_bring_its_credentials_later() -> None:
    anonymous = Principal("127.0.0.1")
    assert authenticator.websocket_principal(anonymous, {}) is anonymous
    assert authenticator.websocket_principal(anonymous, {"x-admin-key": ADMIN_KEY}).is_admin
    by_token = authenticator.websocket_principal(anonymous, {"Authorization": f"Bearer {token('u1')}"})
    assert by_token.user_id == "u1"
    assert authenticator.websocket_principal(anonymous, {"authorization": 5, "x-admin-key": ["x"]}) is anonymous
