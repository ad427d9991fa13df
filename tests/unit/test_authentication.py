"""Who is calling: the key, the token, and what does not hold."""

import time
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import inf

import jwt
import pytest
from starlette.requests import HTTPConnection

from models.errors import ExpiredToken, Forbidden, InvalidToken, Unauthenticated
from models.principal import Principal, Role, Transport
from server.authentication import Authenticator
from tests.support.api import ADMIN_KEY, JWT_SECRET, NoKeys, settings_for, token

authenticator = Authenticator(settings_for("mongodb://unused/x"), NoKeys())
GOOD, OTHER = token("good"), token("other")


def connection(query: str = "", **headers: str) -> HTTPConnection:
    return connection_of(*((name.replace("_", "-"), value) for name, value in headers.items()), query=query)


def connection_of(*headers: tuple[str, str], query: str = "") -> HTTPConnection:
    """With headers that may come more than once."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return HTTPConnection(
        {"type": "http", "headers": raw, "query_string": query.encode(), "client": ("127.0.0.1", 1), "path": "/"}
    )


async def test_nobody_is_anonymous_and_is_asked_to_sign_in() -> None:
    caller = await authenticator.principal(connection())
    assert caller == Principal("127.0.0.1", transport=Transport.REST)
    for require in (partial(caller.require_role, Role.VIEWER), caller.require_signed_in):
        with pytest.raises(Unauthenticated, match="Authentication required"):
            require()


async def test_the_admin_key_makes_an_admin_from_the_header_and_where_allowed_from_the_query() -> None:
    assert (await authenticator.principal(connection(x_admin_key=ADMIN_KEY))).role is Role.ADMIN
    query = connection(f"adminKey={ADMIN_KEY}")
    assert (await authenticator.principal(query)).role is None
    assert (await authenticator.principal(query, query_key=True)).role is Role.ADMIN
    assert (
        await authenticator.principal(connection(f"adminKey={ADMIN_KEY}&adminKey=wrong"), query_key=True)
    ).role is Role.ADMIN
    assert (
        await authenticator.principal(connection(f"adminKey=wrong&adminKey={ADMIN_KEY}"), query_key=True)
    ).role is None
    both = connection(f"adminKey={ADMIN_KEY}", x_admin_key="wrong")
    with pytest.raises(Forbidden, match="Invalid authentication credentials"):
        (await authenticator.principal(both, query_key=True)).require_role(Role.VIEWER)


async def test_a_token_names_a_user_and_an_admin_by_type() -> None:
    for headers in ({"authorization": f"bearer {token('u1', 'shop')}"}, {"cookie": f"token={token('u1', 'shop')}"}):
        caller = await authenticator.principal(connection(**headers))
        assert (caller.user_id, caller.user_types, caller.role) == ("u1", ("shop",), None)
        caller.require_self("u1")
        with pytest.raises(Forbidden):
            caller.require_self("u2")
    assert (
        await authenticator.principal(connection(authorization=f"Bearer {token('u1', 'admin')}"))
    ).role is Role.ADMIN


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
        jwt.encode({"userId": "u1", "exp": 9_999_999_999}, "", algorithm="none"),
        jwt.encode({"userId": "u1", "userType": "admin", "exp": 9_999_999_999}, JWT_SECRET, algorithm="HS256"),
        jwt.encode({"userId": 5, "userType": [], "exp": 9_999_999_999}, JWT_SECRET, algorithm="HS256"),
    ],
)
async def test_a_token_that_does_not_hold_names_nobody(bad: str) -> None:
    caller = await authenticator.principal(connection(authorization=f"Bearer {bad}"))
    assert caller.user_id is None
    assert caller.role is None
    if bad:
        assert isinstance(caller.refusal, InvalidToken)


async def test_an_expired_token_is_told_apart() -> None:
    expired = token("u1", lasts=timedelta(seconds=-1))
    caller = await authenticator.principal(connection(authorization=f"Bearer {expired}"))
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
async def test_a_cookie_changes_state_by_get_from_the_same_origin_only(headers: dict[str, str], allowed: bool) -> None:
    cookie = connection(cookie=f"token={token('u1')}", **headers)
    caller = await authenticator.principal(cookie, changes_by_get=True)
    assert (caller.user_id == "u1") is allowed
    if not allowed:
        with pytest.raises(Forbidden):
            caller.require_signed_in()
    bearer = connection(authorization=f"Bearer {token('u1')}", **headers)
    assert (await authenticator.principal(bearer, changes_by_get=True)).user_id == "u1"


async def test_a_websocket_may_bring_its_credentials_later() -> None:
    anonymous = Principal("127.0.0.1")
    assert await authenticator.websocket_principal(anonymous, {}) is anonymous
    assert (await authenticator.websocket_principal(anonymous, {"x-admin-key": ADMIN_KEY})).role is Role.ADMIN
    by_token = await authenticator.websocket_principal(anonymous, {"Authorization": f"Bearer {token('u1')}"})
    assert by_token.user_id == "u1"
    twice = {"Authorization": f"Bearer {GOOD}", "authorization": f"Bearer {OTHER}"}
    assert (await authenticator.websocket_principal(anonymous, twice)).user_id == "good"
    assert await authenticator.websocket_principal(anonymous, {"authorization": 5, "x-admin-key": ["x"]}) is anonymous


@pytest.mark.parametrize(
    ("cookies", "who"),
    [
        ([f"token={GOOD}; token={OTHER}"], "good"),
        ([f"token={OTHER}", f"token={GOOD}"], "other"),
        ([f"a=1; token={GOOD}", f"token={OTHER}"], "good"),
        ([f"token={GOOD}; token=nonsense"], "good"),
        ([f"token=nonsense; token={GOOD}"], InvalidToken),
        ([f"token={token('u', lasts=timedelta(seconds=-1))}; token={GOOD}"], InvalidToken),
        ([f'token="{GOOD}"'], "good"),
        ([f" token = {GOOD} ;"], "good"),
        ([f"Token={OTHER}; tokens={OTHER}; xtoken={OTHER}; token={GOOD}"], "good"),
        ([f"token; token={GOOD}"], "good"),
        ([f"token=; token={GOOD}"], None),
        (["token="], None),
        (['token=""'], None),
        ([""], None),
        ([";;=;"], None),
        (["token=\xff\xfe"], InvalidToken),
    ],
)
async def test_of_several_cookies_the_first_counts(cookies: list[str], who: str | type[Exception] | None) -> None:
    caller = await authenticator.principal(connection_of(*(("cookie", cookie) for cookie in cookies)))
    if isinstance(who, type):
        assert isinstance(caller.refusal, who)
        assert caller.user_id is None
    else:
        assert (caller.user_id, caller.refusal) == (who, None)


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        ([("authorization", f"BEARER   {GOOD} ")], "good"),
        ([("authorization", f"  Bearer {GOOD}")], "good"),
        ([("authorization", f"Bearer {GOOD}"), ("authorization", f"Bearer {OTHER}")], "good"),
        ([("authorization", f"Bearer {GOOD}"), ("cookie", f"token={OTHER}")], "good"),
        ([("cookie", f"token={OTHER}"), ("authorization", f"Bearer {GOOD}")], "good"),
        ([("authorization", "Basic YTpi"), ("cookie", f"token={GOOD}")], "good"),
        ([("authorization", ""), ("cookie", f"token={GOOD}")], "good"),
        ([("authorization", "Bearer "), ("cookie", f"token={GOOD}")], None),
        ([("authorization", "Bearer")], None),
        ([("authorization", GOOD)], None),
        ([("authorization", f"Bearer {GOOD}, Bearer {OTHER}")], InvalidToken),
        ([("authorization", f"Bearer Bearer {GOOD}")], InvalidToken),
        ([("authorization", "Bearer nonsense"), ("cookie", f"token={GOOD}")], InvalidToken),
    ],
)
async def test_the_first_authorization_counts_and_wins_over_the_cookie(
    headers: list[tuple[str, str]], who: str | type[Exception] | None
) -> None:
    caller = await authenticator.principal(connection_of(*headers))
    if isinstance(who, type):
        assert isinstance(caller.refusal, who)
        assert caller.user_id is None
    else:
        assert (caller.user_id, caller.refusal) == (who, None)


@pytest.mark.parametrize("bad", ["nonsense", token("u1", lasts=timedelta(seconds=-1))])
async def test_a_cookie_that_does_not_hold_is_told_before_where_it_came_from(bad: str) -> None:
    caller = await authenticator.principal(
        connection(cookie=f"token={bad}", sec_fetch_site="cross-site"), changes_by_get=True
    )
    assert isinstance(caller.refusal, InvalidToken)


async def test_a_wrong_key_does_not_lift_the_guard_of_a_cookie() -> None:
    across = connection(cookie=f"token={GOOD}", x_admin_key="wrong", sec_fetch_site="cross-site")
    assert (await authenticator.principal(across, changes_by_get=True)).user_id is None


async def test_only_a_token_ends_and_only_while_it_names_the_caller() -> None:
    by_token = await authenticator.principal(connection(authorization=f"Bearer {GOOD}"))
    assert 0 < by_token.expires_at - time.time() <= 3600
    for headers in ({}, {"x_admin_key": ADMIN_KEY}, {"authorization": "Bearer nonsense"}):
        assert (await authenticator.principal(connection(**headers))).expires_at == inf


async def test_a_token_that_ended_before_connection_init_came_is_expired() -> None:
    early = replace(await authenticator.principal(connection(cookie=f"token={GOOD}")), expires_at=time.time() - 1)
    assert isinstance((await authenticator.websocket_principal(early, {})).refusal, ExpiredToken)
    assert (await authenticator.websocket_principal(early, {"authorization": f"Bearer {OTHER}"})).user_id == "other"
    assert (await authenticator.websocket_principal(early, {"x-admin-key": ADMIN_KEY})).expires_at == inf


async def test_a_caller_brings_along_by_which_way_and_in_which_request() -> None:
    request = connection(x_admin_key="wrong", cookie=f"token={token('u1')}")
    request.scope["state"] = {"request_id": "r1"}
    callers = [
        authenticator.anonymous(request),
        await authenticator.principal(request),
        await authenticator.principal(request, changes_by_get=True),
    ]
    assert {(caller.transport, caller.request_id) for caller in callers} == {(Transport.REST, "r1")}
    connected = await authenticator.principal(request, transport=Transport.GRAPHQL)
    for parameters in ({}, {"x-admin-key": ADMIN_KEY}, {"authorization": "Bearer nonsense"}):
        caller = await authenticator.websocket_principal(connected, parameters)
        assert (caller.transport, caller.request_id) == (Transport.GRAPHQL, "r1")
