"""The GraphQL fields of usage followers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated

import strawberry

from models.inputs import parse
from models.pagination import Window
from models.principal import Role
from models.sent import RefusedCommand, read_for_user
from models.usage import commands, history
from models.usage.follower import FollowerKey, KeyKind
from models.values.ids import either_id, is_object_id
from resolvers.context import Info, as_mapping, command_of
from schema.relay import After, Before, First, Last
from schema.usage import (
    AddUsageInput,
    AddUsagePayload,
    AddUsageResult,
    CheckUsageInput,
    CheckUsagePayload,
    CheckUsageResult,
    CreateUsageFollowerInput,
    CreateUsageFollowerPayload,
    CreateUsageFollowerResult,
    DeleteUsageFollowerInput,
    DeleteUsageFollowerPayload,
    DeleteUsageFollowerResult,
    RedeemUsageInput,
    RedeemUsagePayload,
    RedeemUsageResult,
    RemoveUsageInput,
    RemoveUsagePayload,
    RemoveUsageResult,
    UpdateUsageFollowerInput,
    UpdateUsageFollowerPayload,
    UpdateUsageFollowerResult,
    UsageAvailability,
    UsageFollower,
    UsageFollowerConnection,
    UsageFollowerFilter,
)
from schema.usage_move import UsageMove, UsageMoveConnection, UsageMoveFilter

CouponId = Annotated[
    strawberry.ID | None, strawberry.argument(description="The coupon, by its raw `_id` or its Relay id.")
]
CampaignId = Annotated[strawberry.ID | None, strawberry.argument(description="The campaign, by its raw `_id`.")]
UserId = Annotated[
    str | None, strawberry.argument(description="The user it is about; the caller when not given. Others: for admins.")
]


async def node(info: Info, raw_id: str) -> UsageFollower | None:
    """A follower by its raw id, for `node` and `nodes`: for users and admins."""
    if not is_object_id(raw_id):
        return None
    return await _find(info, id=raw_id)


async def _find(info: Info, **named: str | None) -> UsageFollower | None:
    caller = info.context.signed_in(Role.VIEWER)
    follower = await info.context.services.usage.find(caller, parse(commands.FindUsageFollower, named))
    return UsageFollower.or_none(follower)


def _availability(
    coupon_id: str | None, campaign_id: str | None, user_id: str | None
) -> commands.FindAvailability | RefusedCommand:
    return read_for_user(
        commands.FindAvailability, {"couponId": coupon_id, "campaignId": campaign_id, "userId": user_id}
    )


def _key(identifier: str) -> FollowerKey:
    return FollowerKey(KeyKind.FOLLOWER, either_id("UsageFollower", "id", identifier))


@strawberry.type
class UsageQuery:
    @strawberry.field(
        description="A usage follower by its id, its coupon or its campaign (exactly one); null where there is none."
    )
    async def usage_follower(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Its Relay id or its raw `_id`.")] = None,
        coupon_id: CouponId = None,
        campaign_id: CampaignId = None,
    ) -> UsageFollower | None:
        return await _find(info, id=id, couponId=coupon_id, campaignId=campaign_id)

    @strawberry.field(description="All usage followers, the newest first. For admins.")
    async def usage_followers(
        self,
        info: Info,
        filter: Annotated[UsageFollowerFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> UsageFollowerConnection:
        caller, usage = info.context.admin(Role.VIEWER), info.context.services.usage
        wanted, window = command_of(history.UsageFollowerFilter, filter), Window.of(first, after, last, before)
        page = await usage.list_window(caller, wanted, window)
        return UsageFollowerConnection.of(page, UsageFollower.of, partial(usage.count, caller, wanted))

    @strawberry.field(description="What moved the counts of all followers, the latest first. For admins.")
    async def usage_moves(
        self,
        info: Info,
        filter: Annotated[UsageMoveFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> UsageMoveConnection:
        caller, moves = info.context.admin(Role.VIEWER), info.context.services.usage_moves
        wanted, window = command_of(history.UsageMoveFilter, filter), Window.of(first, after, last, before)
        page = await moves.window(caller, wanted, window)
        return UsageMoveConnection.of(page, UsageMove.of, partial(moves.count, caller, wanted))

    @strawberry.field(
        description="What the follower of a coupon or a campaign (exactly one) allows a user; null where there is none."
    )
    async def usage_availability(
        self, info: Info, coupon_id: CouponId = None, campaign_id: CampaignId = None, user_id: UserId = None
    ) -> UsageAvailability | None:
        asked = _availability(coupon_id, campaign_id, user_id)
        found = await info.context.services.usage.find_availability(info.context.caller(), asked)
        return UsageAvailability.or_none(found)


@strawberry.type
class UsageMutation:
    @strawberry.mutation(
        description="Follow a coupon or a campaign, which can have one follower. For admins of the role ADMIN."
    )
    async def create_usage_follower(
        self,
        info: Info,
        input: CreateUsageFollowerInput,
    ) -> CreateUsageFollowerResult:
        caller = info.context.admin(Role.ADMIN)
        made = await info.context.services.usage.create(caller, command_of(commands.CreateUsageFollower, input))
        return CreateUsageFollowerPayload(usage_follower=UsageFollower.of(made.follower))

    @strawberry.mutation(
        description="Change the limits of a follower, or who may watch it. For admins of the role ADMIN."
    )
    async def update_usage_follower(
        self,
        info: Info,
        input: UpdateUsageFollowerInput,
    ) -> UpdateUsageFollowerResult:
        caller = info.context.admin(Role.ADMIN)
        limits = {name: limit for name, limit in as_mapping(input).items() if name != "id"}
        command = commands.UpdateUsageFollower(_key(input.id), parse(commands.FollowerChange, limits))
        changed = await info.context.services.usage.update(caller, command)
        return UpdateUsageFollowerPayload(usage_follower=UsageFollower.of(changed.follower))

    @strawberry.mutation(
        description="Delete a follower with its counts; the ledger stays. For admins of the role ADMIN."
    )
    async def delete_usage_follower(
        self,
        info: Info,
        input: DeleteUsageFollowerInput,
    ) -> DeleteUsageFollowerResult:
        caller = info.context.admin(Role.ADMIN)
        deleted = await info.context.services.usage.delete(caller, commands.DeleteUsageFollower(_key(input.id)))
        return DeleteUsageFollowerPayload(usage_follower=UsageFollower.of(deleted.follower))

    @strawberry.mutation(
        description="Set units aside, as many as the limits leave. For the user, and for admins of the role ADMIN."
    )
    async def check_usage(self, info: Info, input: CheckUsageInput) -> CheckUsageResult:
        sent = read_for_user(commands.CheckUsage, as_mapping(input))
        grant = await info.context.services.usage.check(info.context.caller(), sent)
        return CheckUsagePayload.of(grant)

    @strawberry.mutation(
        description=(
            "Count usage on all followers that are named or on none. For the user, and for admins of the role ADMIN."
        )
    )
    async def add_usage(self, info: Info, input: AddUsageInput) -> AddUsageResult:
        sent = read_for_user(commands.MoveUsages, as_mapping(input))
        added = await info.context.services.usage.add(info.context.caller(), sent)
        return AddUsagePayload.of(added)

    @strawberry.mutation(
        description=(
            "Give usage back, never below nothing, on all followers that are named. "
            "For the user, and for admins of the role SUPPORT or ADMIN."
        )
    )
    async def remove_usage(self, info: Info, input: RemoveUsageInput) -> RemoveUsageResult:
        sent = read_for_user(commands.MoveUsages, as_mapping(input))
        removed = await info.context.services.usage.remove(info.context.caller(), sent)
        return RemoveUsagePayload.of(removed)

    @strawberry.mutation(
        description="Check and count usage in one step. For the user, and for admins of the role ADMIN."
    )
    async def redeem_usage(self, info: Info, input: RedeemUsageInput) -> RedeemUsageResult:
        sent = read_for_user(commands.RedeemUsage, as_mapping(input))
        redeemed = await info.context.services.usage.redeem(info.context.caller(), sent)
        return RedeemUsagePayload(usage_follower=UsageFollower.of(redeemed.follower))


@strawberry.type
class UsageSubscription:
    @strawberry.subscription(
        description=(
            "What the follower of a coupon or a campaign (exactly one) allows a user: at once, then on every change, "
            "at most ten times a second; null while there is no follower. For the user and admins."
        )
    )
    async def usage_availability_changed(
        self, info: Info, coupon_id: CouponId = None, campaign_id: CampaignId = None, user_id: UserId = None
    ) -> AsyncGenerator[UsageAvailability | None, None]:
        asked = _availability(coupon_id, campaign_id, user_id)
        async with aclosing(info.context.services.usage.watch(info.context.caller(), asked)) as changes:
            async for found in changes:
                yield UsageAvailability.or_none(found)
