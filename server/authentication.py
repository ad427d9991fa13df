"""Who is calling: the one place that makes a `Principal`, for GraphQL, REST and WebSocket alike.

An admin shows the key (`x-admin-key`), a user a JWT (`Authorization: Bearer`, or the cookie `token`).
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from socket import AF_INET, inet_pton
from typing import TYPE_CHECKING, Any, Protocol

from starlette.requests import HTTPConnection, cookie_parser

from models.errors import DomainError, ExpiredToken, Forbidden, ServiceUnavailable
from models.principal import MAIN_KEY, ActingKey, Principal, Transport
from server.settings import Settings
from server.token_verifier import TokenVerifier

if TYPE_CHECKING:
    from server.fetched_keys import FetchedKeys

TOKEN_COOKIE = "token"
CREDENTIALS = frozenset({b"x-admin-key", b"authorization", b"cookie"})
"""The headers that say who is calling, as ASGI names them: in lower case."""
WRONG_KEY = "Invalid authentication credentials"
LOOKS_AT_CLOCK, LOOKS_AT_KEY = 15.0, 0.4
"""Seconds after which it is looked again whether a live connection may go on: by the wall clock, which may be set while
the machine may sleep, and by the key that it lives on, which may be revoked.
"""
CROSS_SITE = "A token in a cookie may not change state across sites; send it as Authorization: Bearer"


def client_address(connection: HTTPConnection) -> str:
    """The key of the rate limit: the client's IPv4 address, or its IPv6 /64 network.

    The address is the peer's, or what the proxies named in `FORWARDED_ALLOW_IPS` say (the server has put it in place).
    """
    client = connection.scope.get("client")
    if client is None:
        return "unknown"
    host: str = client[0]
    try:
        inet_pton(AF_INET, host)
    except (OSError, ValueError):
        return _address_of(host)
    return host  # IPv4 has one form, which is told in a tenth of the time.


@lru_cache(4_096)
def _address_of(host: str) -> str:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


class NamedKeys(Protocol):
    """The keys of admins beside `ADMIN_KEY`."""

    async def find(self, shown: str) -> ActingKey | None: ...

    async def holds(self, key_id: str) -> bool: ...


class Authenticator:
    """Turns the credentials of a connection into a principal. Never raises: what does not hold becomes `refusal`."""

    def __init__(
        self,
        settings: Settings,
        keys: NamedKeys,
        clock: Callable[[], float] = time.time,
        fetched: "FetchedKeys | None" = None,
    ) -> None:
        self._admin_key = settings.admin_key.encode()
        self._keys = keys
        self.clock = clock
        """The wall clock by which tokens expire, in POSIX seconds."""
        self._tokens = TokenVerifier(settings, clock, fetched)

    def require_keys(self) -> None:
        """Raises `ServiceUnavailable` as long as the keys of `JWKS_URL` have never come."""
        if not self._tokens.is_ready:
            raise ServiceUnavailable()

    def anonymous(self, connection: HTTPConnection, transport: Transport = Transport.REST) -> Principal:
        """The caller of a public REST route, whose key and token are ignored."""
        request_id = connection.scope.get("state", {}).get("request_id", "")
        return Principal(client_address(connection), transport=transport, request_id=request_id)

    async def principal(
        self,
        connection: HTTPConnection,
        *,
        transport: Transport = Transport.REST,
        query_key: bool = False,
        changes_by_get: bool = False,
        takes_cookie: bool = True,
    ) -> Principal:
        """The caller by headers and cookie.

        `query_key` also takes the key from the query parameter `adminKey` (REST under `/admin`); the header wins.
        `changes_by_get` guards a GET that changes state: a cookie then counts only from the same origin. Without
        `takes_cookie` none counts at all.
        """
        if not query_key and CREDENTIALS.isdisjoint([name for name, _ in connection.scope["headers"]]):
            # Most callers show nothing, and reading one header costs more than this.
            return self.anonymous(connection, transport)
        key = connection.headers.get("x-admin-key")
        if key is None and query_key:
            key = next(iter(connection.query_params.getlist("adminKey")), None)
        bearer = _bearer(connection.headers.get("authorization"))
        token = _first_cookie(connection) if bearer is None and takes_cookie else bearer
        caller = await self._judge(self.anonymous(connection, transport), key, token)
        by_cookie = bearer is None and caller.user_id is not None and caller.key is None
        if changes_by_get and by_cookie and _is_cross_site(connection):
            return caller.turned_down(Forbidden(CROSS_SITE))
        return caller

    async def websocket_principal(self, caller: Principal, parameters: Mapping[str, Any]) -> Principal:
        """The caller once `connection_init` has come: its payload may bring the headers a browser cannot set."""
        # As of headers, the first counts: names that differ in case are the same.
        headers = {name.lower(): value for name, value in reversed(list(parameters.items())) if isinstance(value, str)}
        key = headers.get("x-admin-key") or None
        token = _bearer(headers.get("authorization"))
        if key is not None or token is not None:
            return await self._judge(caller.turned_down(), key, token)
        # What held when the connection was made may have ended since.
        ended = await self.ended(caller)
        return caller if ended is None else caller.turned_down(ended)

    def expired(self, caller: Principal) -> DomainError | None:
        """Why what named this caller does not hold any longer, by the clock; None while it does."""
        now = self.clock()
        if caller.ends_at > now:
            return None
        return ExpiredToken() if caller.expires_at <= now else Forbidden(WRONG_KEY)

    async def ended(self, caller: Principal) -> DomainError | None:
        """The same for a key that was revoked since, too."""
        if (expired := self.expired(caller)) is not None or caller.key is None or caller.key.id is None:
            return expired
        return None if await self._keys.holds(caller.key.id) else Forbidden(WRONG_KEY)

    async def until_end(self, caller: Principal) -> DomainError:
        """Returns why the caller's credentials have ended, as soon as they have."""
        look = LOOKS_AT_CLOCK if caller.key is None or caller.key.id is None else LOOKS_AT_KEY
        while (ended := await self.ended(caller)) is None:  # noqa: ASYNC110  # a clock that is set wakes nobody
            await asyncio.sleep(min(max(caller.ends_at - self.clock(), 0), look))
        return ended

    async def _judge(self, caller: Principal, key: str | None, token: str | None) -> Principal:
        if key is None and not token:
            return caller
        refusal: DomainError | None = None
        shown = None
        if token:
            try:
                claims = await self._tokens.read(token)
            except DomainError as invalid:
                refusal = invalid
            else:
                caller = replace(
                    caller, user_id=claims.user_id, user_types=claims.user_types, expires_at=claims.expires_at
                )
        if key is not None:
            try:
                shown = await self._read_key(key)
            except DomainError as invalid:
                refusal = refusal or invalid
        return replace(caller, key=shown, refusal=refusal)

    async def _read_key(self, key: str) -> ActingKey:
        """Who acts by a key. Raises `Forbidden`, and `ServiceUnavailable` where nobody can say."""
        if hmac.compare_digest(key.encode(), self._admin_key):
            return MAIN_KEY
        if (shown := await self._keys.find(key)) is None:
            raise Forbidden(WRONG_KEY)
        return shown


def _bearer(authorization: str | None) -> str | None:
    """The token of an `Authorization` header, blank where it brings none; None for another scheme or no header."""
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _first_cookie(connection: HTTPConnection) -> str | None:
    """The first cookie `token` of all that came: browsers send that of the closest path first."""
    for header in connection.headers.getlist("cookie"):
        for pair in header.split(";"):
            found = cookie_parser(pair)
            if TOKEN_COOKIE in found:
                return found[TOKEN_COOKIE]
    return None


def _is_cross_site(connection: HTTPConnection) -> bool:
    if "x-requested-with" in connection.headers:
        return False
    return connection.headers.get("sec-fetch-site") != "same-origin"
