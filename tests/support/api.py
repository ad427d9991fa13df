"""The application as a test talks to it: the real one, over ASGI, with its lifespan."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import jwt
from jwt.api_jws import PyJWS
from starlette.applications import Starlette

from models.principal import ActingKey
from server.app import create_app
from server.settings import Settings
from services.registry import Services
from services.settings import KafkaUri
from tests.support.openapi import HOOKS

ADMIN_KEY = "an-admin-key-of-the-tests-with-32-bytes"
MONGO_DRIVER: Any = os.environ.get("MONGO_DRIVER", "motor")
"""The driver of the whole run, in every process that it starts."""
JWT_SECRET = "a-jwt-secret-of-the-tests-with-32-bytes"
ADMIN = {"x-admin-key": ADMIN_KEY}

_numbers = count(1)


def unique(prefix: str = "u") -> str:
    """A name that no other test of this run has."""
    return f"{prefix}{next(_numbers):06d}"


def token(user_id: str | None, *user_types: str, lasts: timedelta = timedelta(hours=1), **claims: Any) -> str:
    """A JWT for a user."""
    payload = {"userId": user_id, "userType": list(user_types), "exp": datetime.now(UTC) + lasts, **claims}
    return jwt.encode(payload, JWT_SECRET, algorithm="HS256")


def signed(secret: str = JWT_SECRET, **claims: Any) -> str:
    """A JWT with just these claims, of whatever types they are."""
    return PyJWS().encode(json.dumps(claims).encode(), secret, algorithm="HS256")


def bearer(user_id: str, *user_types: str) -> dict[str, str]:
    """The headers of a signed-in user."""
    return {"authorization": f"Bearer {token(user_id, *user_types)}"}


def settings_for(database_uri: str, **changes: Any) -> Settings:
    """Settings of the tests: a database of one's own and a rate limit out of the way."""
    values: dict[str, Any] = {
        "mongo_uri": database_uri,
        "mongo_driver": MONGO_DRIVER,
        "jwt_secret": JWT_SECRET,
        "admin_key": ADMIN_KEY,
        "rate_limit": "1000000/15minutes",
        "kafka_uri": KafkaUri("kafka.invalid:9092", tls=False),
    }
    return Settings(**(values | changes))


class NoKeys:
    """The keys of admins where `ADMIN_KEY` is the only one."""

    async def find(self, _: str) -> ActingKey | None:
        return None

    async def holds(self, _: str) -> bool:
        return False


@dataclass(frozen=True)
class Api:
    """A running application: a client of it, its verbs, its settings, itself."""

    http: httpx.AsyncClient
    services: Services
    settings: Settings
    app: Starlette

    async def graphql(
        self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Post an operation and answer the whole body."""
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def data(
        self, query: str, variables: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Post an operation that must succeed and answer its data."""
        body = await self.graphql(query, variables, headers)
        assert "errors" not in body, body
        data: dict[str, Any] = body["data"]
        return data

    async def coupon(self, **changes: Any) -> dict[str, Any]:
        """Make a coupon by REST; answers it as an admin's list would, with its `twitterId`."""
        body = {"twitterId": unique("t"), "username": unique("name"), "followers": 1500, **changes}
        made = await self.http.post("/api/coupon", json=body)
        assert made.status_code == 201, made.text
        return body | {"couponCode": made.json()["data"]["code"]}


def client_of(app: Starlette, address: str = "127.0.0.1") -> httpx.AsyncClient:
    """A client of an application, who comes from this address."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://tessera.test", event_hooks=HOOKS)


@asynccontextmanager
async def running_api(settings: Settings) -> AsyncIterator[Api]:
    """The application of these settings, started and stopped as a server would."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), client_of(app) as http:
        yield Api(http, app.state.services, settings, app)
