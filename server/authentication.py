"""Who is calling: the one place that makes a `Principal`, for GraphQL, REST and WebSocket alike.

An admin shows the key (`x-admin-key`), a user a JWT (`Authorization: Bearer`, or the cookie `token`).
"""

import hmac
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import jwt
from starlette.requests import HTTPConnection

from models.errors import DomainError, Forbidden, InvalidToken
from models.principal import Principal
from server.settings import Settings

TOKEN_COOKIE = "token"
CREDENTIALS = frozenset({b"x-admin-key", b"authorization", b"cookie"})
"""The headers that say who is calling, as ASGI names them: in lower case."""
WRONG_KEY = "Invalid authentication credentials"
CROSS_SITE = "A token in a cookie may not change state across sites; send it as Authorization: Bearer"


def client_address(connection: HTTPConnection) -> str:
    """The key of the rate limit: the client's IPv4 address, or its IPv6 /64 network.

    The address is the peer's, or what the proxies named in `FORWARDED_ALLOW_IPS` say (the server has put it in place).
    """
    return _address_of(connection.client.host) if connection.client else "unknown"


@lru_cache(4_096)
def _address_of(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


class Authenticator:
    """Turns the credentials of a connection into a principal. Never raises: what does not hold becomes `refusal`."""

    def __init__(self, settings: Settings) -> None:
        self._admin_key = settings.admin_key.encode()
        self._jwt_secret = settings.jwt_secret

    def anonymous(self, connection: HTTPConnection) -> Principal:
        """The caller of a public REST route, whose key and token are ignored."""
        return Principal(client_address(connection))

    def principal(
        self, connection: HTTPConnection, *, query_key: bool = False, changes_by_get: bool = False
    ) -> Principal:
        """The caller by headers and cookie.

        `query_key` also takes the key from the query parameter `adminKey` (REST under `/admin`); the header wins.
        `changes_by_get` guards a GET that changes state: a cookie then counts only from the same origin.
        """
        if not query_key and CREDENTIALS.isdisjoint([name for name, _ in connection.scope["headers"]]):
            # Most callers show nothing, and reading one header costs more than this.
            return self.anonymous(connection)
        key = connection.headers.get("x-admin-key")
        if key is None and query_key:
            key = connection.query_params.get("adminKey")
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        has_bearer = scheme.lower() == "bearer"
        token = bearer.strip() if has_bearer else connection.cookies.get(TOKEN_COOKIE)
        caller = self._judge(Principal(client_address(connection)), key, token)
        if changes_by_get and token and not has_bearer and not caller.has_admin_key and _is_cross_site(connection):
            return Principal(caller.address, refusal=Forbidden(CROSS_SITE))
        return caller

    def websocket_principal(self, caller: Principal, parameters: Mapping[str, Any]) -> Principal:
        """The caller once `connection_init` has come: its payload may bring the headers a browser cannot set."""
        headers = {name.lower(): value for name, value in parameters.items() if isinstance(value, str)}
        key = headers.get("x-admin-key") or None
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        token = bearer.strip() if scheme.lower() == "bearer" else None
        if key is None and token is None:
            return caller
        return self._judge(Principal(caller.address), key, token)

    def _judge(self, caller: Principal, key: str | None, token: str | None) -> Principal:
        if key is None and not token:
            return caller
        refusal: DomainError | None = None
        has_admin_key = False
        if token:
            try:
                user_id, user_types = self._decode(token)
                caller = replace(caller, user_id=user_id, user_types=user_types)
            except InvalidToken as invalid:
                refusal = invalid
        if key is not None:
            has_admin_key = hmac.compare_digest(key.encode(), self._admin_key)
            if not has_admin_key:
                refusal = refusal or Forbidden(WRONG_KEY)
        return replace(caller, has_admin_key=has_admin_key, refusal=refusal)

    def _decode(self, token: str) -> tuple[str, tuple[str, ...]]:
        try:
            claims = jwt.decode(
                token, self._jwt_secret, algorithms=["HS256"], options={"require": ["exp"], "verify_aud": False}
            )
        except jwt.ExpiredSignatureError:
            raise InvalidToken("Token has expired.") from None
        except (jwt.InvalidTokenError, ValueError):
            raise InvalidToken() from None
        user_id, user_types = claims.get("userId"), claims.get("userType", [])
        if not isinstance(user_id, str) or not user_id or "\x00" in user_id or not isinstance(user_types, list):
            raise InvalidToken()
        return user_id, tuple(kind for kind in user_types if isinstance(kind, str))


def _is_cross_site(connection: HTTPConnection) -> bool:
    if "x-requested-with" in connection.headers:
        return False
    return connection.headers.get("sec-fetch-site") != "same-origin"
