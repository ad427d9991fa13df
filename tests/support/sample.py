"""A small schema of its own, with a field for everything that can happen, and the application that serves it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import strawberry
from pymongo.errors import AutoReconnect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute

from graphql_engine.limits import Limits
from models.errors import FieldError, Forbidden, InvalidInput, RateLimited
from models.principal import Principal, Role
from server.access_log import LogSettings, Pseudonyms, RequestLog
from server.authentication import Authenticator
from server.draining import Drain
from server.graphql.engine import TesseraEngine
from server.graphql.view import GraphQLView
from server.metrics.api import Ended
from server.middleware import Guard
from server.settings import Settings
from services.kit.rate_limit import RateLimitPermit
from tests.support.api import ADMIN_KEY, JWT_SECRET, NoKeys

SECRET = "4111111111111111"


@dataclass(slots=True)
class Context:
    principal: Principal
    request_id: str
    connection_params: dict[str, Any] | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    refused: str | None = None
    ended: Ended | None = None
    leaving: asyncio.Event | None = None

    async def permit(self) -> RateLimitPermit:
        """Nothing is counted here."""
        return RateLimitPermit(self.principal)


Info = strawberry.Info[Context, None]
closed: list[str] = []
"""What the endless subscription leaves when it is closed."""


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"


@strawberry.input
class PaintInput:
    name: str
    colour: Colour = Colour.RED
    count: int = 1


@strawberry.type
class Thing:
    name: str = "thing"

    @strawberry.field
    def itself(self) -> "Thing":
        return self

    @strawberry.field
    def many(self) -> list["Thing"]:
        return [self, self]


@strawberry.type
class Query:
    thing: Thing = strawberry.field(resolver=Thing)

    @strawberry.field
    def greeting(self, name: str = "you") -> str:
        return f"Hello, {name}"

    @strawberry.field
    def painted(self, given: PaintInput) -> str:
        return f"{given.count} {given.colour.value} {given.name}"

    @strawberry.field
    def echo(
        self,
        text: str = "",
        number: int | None = None,
        ratio: float | None = None,
        id: strawberry.ID | None = None,  # noqa: A002  # its name in the schema
        ids: list[strawberry.ID] | None = None,
        many: list[PaintInput] | None = None,
    ) -> str | None:
        if number == 13:
            raise InvalidInput.of("number", "13 brings bad luck")
        return repr((text, number, ratio, id, ids, many))

    @strawberry.field
    def who(self, info: Info) -> str | None:
        caller = info.context.principal
        return caller.user_id if caller.role is None else "admin"

    @strawberry.field
    def limited(self, info: Info) -> str:
        info.context.response_headers["RateLimit-Remaining"] = "7"
        return "one less"

    @strawberry.field
    def forbidden(self) -> str | None:
        raise Forbidden()

    @strawberry.field
    def too_often(self) -> str | None:
        raise RateLimited(12)

    @strawberry.field
    def malformed(self) -> str | None:
        raise InvalidInput([FieldError("a", "a is bad"), FieldError("b", "b is bad")])

    @strawberry.field
    def away(self) -> str | None:
        raise AutoReconnect(f"mongodb.example:27017 {SECRET}")

    @strawberry.field
    def broken(self) -> str | None:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise RuntimeError(f"card {SECRET}") from error

    @strawberry.field
    def strictly_broken(self) -> str:
        raise RuntimeError(SECRET)

    @strawberry.field
    def too_big(self) -> int:
        return 2**40

    @strawberry.field
    def all_broken(self) -> list["Broken"]:
        return [Broken() for _ in range(60)]

    @strawberry.field
    async def slow(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "at last"


@strawberry.type
class Broken:
    @strawberry.field
    def part(self) -> str | None:
        raise RuntimeError(SECRET)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def paint(self, given: PaintInput) -> str:
        return given.name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def countdown(self, start: int = 3) -> AsyncGenerator[int, None]:
        for number in range(start, 0, -1):
            yield number

    @strawberry.subscription
    async def endless(self, name: str) -> AsyncGenerator[int, None]:
        try:
            number = 0
            while True:
                yield number
                number += 1
                await asyncio.sleep(0.005)
        finally:
            closed.append(name)

    @strawberry.subscription
    async def breaking(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(SECRET)

    @strawberry.subscription
    async def private(self, info: Info) -> AsyncGenerator[int, None]:
        info.context.principal.require_role(Role.VIEWER)
        yield 1


def sample_settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {"mongo_uri": "mongodb://unused/", "jwt_secret": JWT_SECRET, "admin_key": ADMIN_KEY}
    return Settings(**given | changes)


def sample_schema(limits: Limits | None = None, **changes: Any) -> TesseraEngine:
    return TesseraEngine(
        query=Query, mutation=Mutation, subscription=Subscription, limits=limits or Limits(), **changes
    )


def sample_view(settings: Settings) -> GraphQLView:
    schema = sample_schema(request_timeout=settings.request_timeout, open_tools=settings.open_tools)

    def make_context(connection: HTTPConnection, principal: Principal) -> Context:
        return Context(principal, connection.scope["state"]["request_id"])

    return GraphQLView(
        schema,
        settings=settings,
        authenticator=Authenticator(settings, NoKeys()),
        make_context=make_context,
        drain=Drain(),
    )


def sample_app(settings: Settings, view: GraphQLView | None = None) -> Starlette:
    view = view or sample_view(settings)
    return Starlette(
        routes=[Route("/graphql", view), WebSocketRoute("/graphql", view)],
        middleware=[
            Middleware(RequestLog, metrics=view.engine.metrics, settings=LogSettings(Pseudonyms(ADMIN_KEY))),
            Middleware(Guard, head_limit=settings.header_limit, body_limit=settings.body_limit),
        ],
    )
