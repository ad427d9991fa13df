"""A typed client of Tessera for a back end: redeems coupons and reads orders in the name of a user.

It signs its own tokens, because a back end has Tessera's secret; what runs at a customer's has none and asks an issuer.
Every answer is a pydantic model, every refusal an exception with the API's own code and sentence.

    python tessera_client.py redeem CODE TWITTER_ID [USERNAME FOLLOWERS]
    python tessera_client.py orders USER_ID
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import uuid4

import httpx
import jwt
from gql import Client, GraphQLRequest, gql
from gql.client import AsyncClientSession
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

TOKEN_SECONDS = 300
RENEWED_BEFORE = 30
"""Seconds before its end in which a token is no longer shown."""

REDEEM = gql("""
    mutation Redeem($input: RedeemCouponInput!) {
      redeemCoupon(input: $input) {
        __typename
        ... on RedeemCouponPayload { creatorPoints redeemerPoints newCoupon { couponCode } }
        ... on Problem { code message }
        ... on InvalidInput { fields { path message } }
        ... on RateLimited { retryAfter }
      }
    }
""")
ORDERS = gql("""
    query Orders($userId: String!, $after: String) {
      orders(userId: $userId, first: 50, after: $after) {
        nodes { databaseId status totalPrice refunded createdAt }
        pageInfo { hasNextPage endCursor }
      }
    }
""")


class Shape(BaseModel):
    """What is read of an answer; names are those of the API in snake case."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class NewCoupon(Shape):
    coupon_code: str


class Redemption(Shape):
    """What both sides have after a redemption."""

    typename: Literal["RedeemCouponPayload"] = Field(alias="__typename")
    creator_points: int
    redeemer_points: int
    new_coupon: NewCoupon | None


class Fault(Shape):
    path: str
    message: str


class Problem(Shape):
    """Why the API refused; `fields` where the input is malformed, `retry_after` in seconds where it was too much."""

    typename: Literal["Conflict", "InvalidInput", "NotFound", "RateLimited", "Refused"] = Field(alias="__typename")
    code: str
    message: str
    fields: tuple[Fault, ...] = ()
    retry_after: int | None = None


class Order(Shape):
    database_id: str
    status: str
    total_price: Decimal
    refunded: bool
    created_at: datetime


class PageInfo(Shape):
    has_next_page: bool
    end_cursor: str | None


class Orders(Shape):
    nodes: tuple[Order, ...]
    page_info: PageInfo


class Refused(Exception):
    """The API said no; `code` and the message are its own."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


Redeemed: TypeAdapter[Redemption | Problem] = TypeAdapter(
    Annotated[Redemption | Problem, Field(discriminator="typename")]
)
Read = TypeVar("Read", bound=BaseModel)


class Signature(httpx.Auth):
    """Shows a token of a user, and signs another shortly before it ends."""

    def __init__(self, secret: str, user_id: str, user_types: tuple[str, ...] = ("default",)) -> None:
        self._secret = secret
        self._claims: dict[str, object] = {"userId": user_id, "userType": list(user_types)}
        self._token, self._ends_at = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Any:
        now = time.time()
        if now > self._ends_at - RENEWED_BEFORE:
            self._ends_at = now + TOKEN_SECONDS
            self._token = jwt.encode(self._claims | {"exp": int(self._ends_at)}, self._secret, algorithm="HS256")
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class Tessera:
    """The API in the name of one caller. Raises `Refused`; httpx's errors where it cannot be reached."""

    def __init__(self, session: AsyncClientSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, auth: httpx.Auth | None = None) -> AsyncIterator[Self]:
        """A client of the Tessera at `url`, such as `http://localhost:3000`; without `auth` it is nobody's."""
        transport = HTTPXAsyncTransport(url=f"{url}/graphql", auth=auth)
        async with Client(transport=transport, fetch_schema_from_transport=False) as session:
            yield cls(session)

    async def redeem(
        self, code: str, twitter_id: str, *, username: str | None = None, followers: int | None = None
    ) -> Redemption:
        """Redeems a coupon; username and followers are for who has none yet. Sent again it is still one redemption."""
        given = {
            "couponCode": code,
            "redeemerTwitterId": twitter_id,
            "username": username,
            "followers": followers,
            "idempotencyKey": str(uuid4()),
        }
        answer = Redeemed.validate_python((await self._ask(REDEEM, {"input": given}))["redeemCoupon"])
        if isinstance(answer, Problem):
            raise Refused(answer.code, "; ".join(fault.message for fault in answer.fields) or answer.message)
        return answer

    async def orders(self, user_id: str) -> AsyncIterator[Order]:
        """Yields the orders of a user, the newest first, however many they are."""
        after: str | None = None
        while True:
            told = await self._ask(ORDERS, {"userId": user_id, "after": after})
            page = Orders.model_validate(told["orders"])
            for order in page.nodes:
                yield order
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor

    async def _ask(self, document: GraphQLRequest, variables: Mapping[str, object]) -> dict[str, Any]:
        try:
            return dict(await self._session.execute(GraphQLRequest(document, variable_values=dict(variables))))
        except TransportQueryError as refused:
            error = (refused.errors or [{}])[0]
            told = error.get("extensions", {})
            raise Refused(told.get("reason") or told.get("code", ""), error.get("message", str(refused))) from None


async def main(words: list[str]) -> int:
    url = os.environ.get("TESSERA_URL", "http://localhost:3000")
    try:
        match words:
            case ["redeem", code, twitter_id, *new]:
                username, followers = (new[0], int(new[1])) if new else (None, None)
                async with Tessera.open(url) as anyone:
                    done = await anyone.redeem(code, twitter_id, username=username, followers=followers)
                sys.stdout.write(f"{done.redeemer_points} points, {done.creator_points} for the other side\n")
            case ["orders", user_id]:
                async with Tessera.open(url, Signature(os.environ["JWT_SEC"], user_id)) as user:
                    async for order in user.orders(user_id):
                        sys.stdout.write(f"{order.created_at:%Y-%m-%d} {order.total_price} {order.status}\n")
            case _:
                sys.stderr.write(__doc__ or "")
                return 2
    except Refused as refusal:
        sys.stderr.write(f"{refusal.code}: {refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
