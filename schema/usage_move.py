"""Moves of usage in GraphQL."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from models.usage import follower as models
from schema.loaders import Info
from schema.relay import Connection, PeriodInput, Shows
from schema.scalars import describe_enum

if TYPE_CHECKING:
    from schema.usage import UsageFollower

describe_enum(
    models.Move,
    "UsageMoveKind",
    "What moved a count.",
    {
        models.Move.ADD: "Usage was added: an amount, or what was set aside.",
        models.Move.REDEEM: "Usage was checked and counted in one step.",
        models.Move.REMOVE: "Usage was given back.",
        models.Move.IMPORT: "A count of an older system was taken over.",
    },
)


@strawberry.type(description="A move of a user's count, for ever: it outlives the follower.")
class UsageMove(Shows[models.UsageMove]):
    coupon_id: str | None = strawberry.field(description="The coupon that is followed.")
    campaign_id: str | None = strawberry.field(description="The campaign that is followed.")
    user_id: str | None = strawberry.field(
        description="Whose count moved; null for uses that an older system knew no user of."
    )
    amount: int = strawberry.field(description="By how many units; below zero where they were given back.")
    move: models.Move = strawberry.field(description="What moved it.")
    by: str = strawberry.field(description="Who acted: a user, the name of an admin, or a part of Tessera.")
    cause: str | None = strawberry.field(description="The topic of the event that caused it; null for a request.")
    at: datetime = strawberry.field(description="When it moved.")
    follower_id: strawberry.Private[str]

    @strawberry.field(description="The follower whose count it is; null once it is deleted.")
    async def usage_follower(self, info: Info) -> Annotated["UsageFollower", strawberry.lazy("schema.usage")] | None:
        return await info.context.loaders.follower(self.follower_id)


@strawberry.type(description="A page of moves of usage, the latest first.")
class UsageMoveConnection(Connection[UsageMove]):
    pass


@strawberry.input(description="Narrows a list of moves of usage; every condition given must hold.")
class UsageMoveFilter(PeriodInput):
    coupon_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The coupon that is followed, by its raw `_id` or its Relay id."
    )
    campaign_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The campaign that is followed, by its raw `_id`."
    )
    user_id: str | None = strawberry.field(default=strawberry.UNSET, description="Whose count moved.")
    move: models.Move | None = strawberry.field(default=strawberry.UNSET, description="Only moves of this kind.")
