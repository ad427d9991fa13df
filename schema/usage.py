"""Usage followers in GraphQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry

from models.pagination import Window
from models.usage import follower as models
from models.values.ids import global_id
from schema.coupon import Coupon
from schema.loaders import Info
from schema.problems import Conflict, InvalidInput, NotFound
from schema.relay import After, Before, Connection, Entity, First, IdempotentInput, Last, Shows
from schema.scalars import BigInt
from schema.usage_limit import UsageLimit, UsageLimitReached
from schema.usage_move import UsageMoveConnection

_COUPON = "The coupon, by its raw `_id` or its Relay id."
_CAMPAIGN = "The campaign, by its raw `_id`."
_IN_BASKET = "How many units one check can set aside, 0 or more; null is no limit."
_IN_ALL = "How many units all users together can use, 0 or more; null is no limit."
_PER_CUSTOMER = "How many units each user can use, 0 or more; null is no limit."
_AMOUNT_OF_CHECK = "How many units, at least 1; 1 when not given."
_IS_PUBLIC = "Whether everyone may watch what is left in all."
_OF_WHOM = "The user it is about; the caller when not given. Others: for admins."
_USER = "The user it is about: the caller, unless an admin acts for another."


@strawberry.type(description="How often a user used what a follower counts.")
class UserUsage(Shows[models.UserUsage]):
    user_id: str = strawberry.field(description="The user.")
    used: BigInt = strawberry.field(description="How many units they used.")
    held: BigInt = strawberry.field(description="How many units are set aside for them at this moment.")
    hold_expires_at: datetime | None = strawberry.field(description="Until when.")

    @classmethod
    def at(cls, now: datetime, usage: models.UserUsage) -> Self:
        """A user's counter, with their hold if it is open `now`."""
        held = usage.open_hold(now)
        return cls.by_name(usage, held=held, hold_expires_at=usage.hold_expires_at if held else None)


@strawberry.type(description="A page of the users of a follower.")
class UserUsageConnection(Connection[UserUsage]):
    pass


@strawberry.type(description="Counts how often a coupon or a campaign is used, in all and by each user, within limits.")
class UsageFollower(Entity, Shows[models.UsageFollower]):
    coupon_id: str | None = strawberry.field(description="The coupon it follows.")
    campaign_id: str | None = strawberry.field(description="The campaign it follows.")
    max_limit_in_basket: int | None = strawberry.field(description="The most units in one basket; null is no limit.")
    max_total_limit: int | None = strawberry.field(description="The most units in all; null is no limit.")
    max_limit_per_customer: int | None = strawberry.field(description="The most units of each user; null is no limit.")
    total_usage_count: BigInt = strawberry.field(description="How many units all users used.")
    created_at: datetime = strawberry.field(description="When it was made.")
    is_public: bool = strawberry.field(description=_IS_PUBLIC)
    exhausted: bool = strawberry.field(description="Whether all units of `maxTotalLimit` are used; holds are not.")
    updated_at: datetime = strawberry.field(description="When it last changed, or a count of it.")

    @strawberry.field(description="Its users in the order they came: all of them for an admin, else the caller.")
    async def usages(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> UserUsageConnection:
        return await info.context.loaders.usages(self.database_id, Window.of(first, after, last, before))

    @strawberry.field(description="What it allows a user at this moment. For the user and admins.")
    async def availability(
        self,
        info: Info,
        user_id: Annotated[str | None, strawberry.argument(description=_OF_WHOM)] = None,
    ) -> Annotated["UsageAvailability", strawberry.lazy("schema.usage")] | None:
        return await info.context.loaders.usage_availability(self.coupon_id, self.campaign_id, user_id)

    @strawberry.field(description="What moved its counts, the latest first. For admins.")
    async def moves(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> UsageMoveConnection | None:
        named = (self.database_id, self.coupon_id, self.campaign_id)
        return await info.context.loaders.usage_moves(*named, Window.of(first, after, last, before))

    @strawberry.field(description="The coupon it follows, where it is one of ours.")
    async def coupon(self, info: Info) -> Coupon | None:
        return None if self.coupon_id is None else await info.context.loaders.coupon(self.coupon_id)


@strawberry.type(description="A page of usage followers.")
class UsageFollowerConnection(Connection[UsageFollower]):
    pass


@strawberry.input(description="Narrows a list of usage followers; every condition given must hold.")
class UsageFollowerFilter:
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    exhausted: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only where all units of `maxTotalLimit` are used, or only where not."
    )


@strawberry.type(description="What a follower allows a user at this moment.")
class UsageAvailability(Shows[models.Availability]):
    id: strawberry.ID = strawberry.field(
        description="The same for the same follower and user wherever it is asked for, so that caches update it."
    )
    coupon_id: str | None = strawberry.field(description="The coupon that is followed.")
    campaign_id: str | None = strawberry.field(description="The campaign that is followed.")
    limits: list[UsageLimit] = strawberry.field(description="Every limit that is set.")
    used: BigInt = strawberry.field(description="How many units the user used.")
    held: BigInt = strawberry.field(description="How many are set aside for the user.")
    total_usage_count: BigInt = strawberry.field(description="How many units all users used.")
    available: int | None = strawberry.field(description="How many the user may have; null where nothing limits it.")

    @classmethod
    def of(cls, found: models.Availability, /) -> Self:
        follower = found.follower
        limits = UsageLimit.all_of(follower, found.limits)
        return cls.by_name(
            found,
            id=strawberry.ID(global_id("UsageAvailability", f"{follower.id}:{found.user_id or ''}")),
            coupon_id=follower.coupon_id,
            campaign_id=follower.campaign_id,
            limits=limits,
        )


@strawberry.input(description="What to follow, a coupon or a campaign, and the limits; what is not given is no limit.")
class CreateUsageFollowerInput(IdempotentInput):
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    max_limit_in_basket: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_BASKET)
    max_total_limit: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_ALL)
    max_limit_per_customer: int | None = strawberry.field(default=strawberry.UNSET, description=_PER_CUSTOMER)
    is_public: bool | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_IS_PUBLIC} False when not given."
    )


@strawberry.input(description="What to change; null lifts a limit, what is not given stays.")
class UpdateUsageFollowerInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")
    max_limit_in_basket: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_BASKET)
    max_total_limit: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_ALL)
    max_limit_per_customer: int | None = strawberry.field(default=strawberry.UNSET, description=_PER_CUSTOMER)
    is_public: bool | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_IS_PUBLIC} As it was when not given."
    )


@strawberry.input(description="Which follower to delete.")
class DeleteUsageFollowerInput(IdempotentInput):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")


@strawberry.input(description="How much to set aside, of exactly one coupon or campaign.")
class CheckUsageInput(IdempotentInput):
    user_id: str = strawberry.field(description=_USER)
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    usage_amount: int | None = strawberry.field(default=strawberry.UNSET, description=_AMOUNT_OF_CHECK)


@strawberry.input(description="What to count, of a coupon, campaigns or both.")
class AddUsageInput(IdempotentInput):
    user_id: str = strawberry.field(description=_USER)
    campaign_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="The campaigns, by their raw `_id`."
    )
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    usage_amount: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units of each; the open hold where it is not given."
    )


@strawberry.input(description="What to give back, of a coupon, campaigns or both.")
class RemoveUsageInput(IdempotentInput):
    user_id: str = strawberry.field(description=_USER)
    campaign_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="The campaigns, by their raw `_id`."
    )
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    usage_amount: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units of each, as far as there are so many; 1 by default."
    )


@strawberry.input(description="What to check and count at once, of exactly one coupon or campaign.")
class RedeemUsageInput(IdempotentInput):
    user_id: str = strawberry.field(description=_USER)
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    usage_amount: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units; the open hold where it is not given, else 1."
    )


@strawberry.type(description="A usage follower was made.")
class CreateUsageFollowerPayload:
    usage_follower: UsageFollower = strawberry.field(description="The new follower.")


@strawberry.type(description="The limits are changed; counts stay, even where they pass them.")
class UpdateUsageFollowerPayload:
    usage_follower: UsageFollower = strawberry.field(description="The follower as it is now.")


@strawberry.type(description="A usage follower was deleted; its ledger stays.")
class DeleteUsageFollowerPayload:
    usage_follower: UsageFollower = strawberry.field(description="The follower as it was.")


@strawberry.type(description="What was granted is set aside, in place of what was before.")
class CheckUsagePayload(Shows[models.Grant]):
    granted: int = strawberry.field(description="How many units; 0 where there are none left.")
    limits: list[UsageLimit] = strawberry.field(description="The limits that allowed no more.")
    usage_follower: UsageFollower = strawberry.field(description="The follower.")

    @classmethod
    def of(cls, grant: models.Grant, /) -> Self:
        follower = grant.snapshot.follower
        limits = UsageLimit.all_of(follower, grant.limits)
        return cls.by_name(grant, limits=limits, usage_follower=UsageFollower.of(follower))


@strawberry.type
class _Moved:
    usage_follower: UsageFollower = strawberry.field(description="The first of the followers that were named.")
    usage_followers: list[UsageFollower] = strawberry.field(description="All of them, in the order they were named.")

    @classmethod
    def of(cls, snapshots: Sequence[models.UsageSnapshot]) -> Self:
        followers = [UsageFollower.of(one.follower) for one in snapshots]
        return cls(usage_follower=followers[0], usage_followers=followers)


@strawberry.type(description="The usage is counted on every follower that was named, and its holds are consumed.")
class AddUsagePayload(_Moved):
    pass


@strawberry.type(description="The usage is given back on every follower that was named.")
class RemoveUsagePayload(_Moved):
    pass


@strawberry.type(description="The usage is counted, and the hold consumed.")
class RedeemUsagePayload:
    usage_follower: UsageFollower = strawberry.field(description="The follower as it is now.")


CreateUsageFollowerResult = Annotated[
    CreateUsageFollowerPayload | InvalidInput | Conflict,
    strawberry.union("CreateUsageFollowerResult", description="The new follower, or why there is none."),
]
UpdateUsageFollowerResult = Annotated[
    UpdateUsageFollowerPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("UpdateUsageFollowerResult", description="The follower, or why it was not changed."),
]
DeleteUsageFollowerResult = Annotated[
    DeleteUsageFollowerPayload | InvalidInput | NotFound | Conflict,
    strawberry.union("DeleteUsageFollowerResult", description="The deleted follower, or why it was not deleted."),
]
CheckUsageResult = Annotated[
    CheckUsagePayload | InvalidInput | NotFound | Conflict,
    strawberry.union("CheckUsageResult", description="What was granted, or why nothing was judged."),
]
AddUsageResult = Annotated[
    AddUsagePayload | InvalidInput | NotFound | UsageLimitReached | Conflict,
    strawberry.union("AddUsageResult", description="The followers, or why none of them changed."),
]
RemoveUsageResult = Annotated[
    RemoveUsagePayload | InvalidInput | NotFound | Conflict,
    strawberry.union("RemoveUsageResult", description="The followers, or why none of them changed."),
]
RedeemUsageResult = Annotated[
    RedeemUsagePayload | InvalidInput | NotFound | UsageLimitReached | Conflict,
    strawberry.union("RedeemUsageResult", description="The follower, or why it did not change."),
]
