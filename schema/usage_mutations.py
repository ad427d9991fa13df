"""What the mutations of usage followers take and answer."""

from collections.abc import Sequence
from typing import Annotated, Self

import strawberry

from models import usage as models
from schema.keyed import Keyed
from schema.problems import Conflict, InvalidInput, NotFound
from schema.usage import UsageFollower, UsageLimit, UsageLimitReached

_COUPON = "The coupon, by its raw `_id` or its Relay id."
_CAMPAIGN = "The campaign, by its raw `_id`."
_IN_BASKET = "How many units one check can set aside, 0 or more; null is no limit."
_IN_ALL = "How many units all users together can use, 0 or more; null is no limit."
_PER_CUSTOMER = "How many units each user can use, 0 or more; null is no limit."
_AMOUNT_OF_CHECK = "How many units, at least 1; 1 when not given."
_USER = "The user it is about: the caller, unless an admin acts for another."


@strawberry.input(description="What to follow, a coupon or a campaign, and the limits; what is not given is no limit.")
class CreateUsageFollowerInput(Keyed):
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    max_limit_in_basket: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_BASKET)
    max_total_limit: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_ALL)
    max_limit_per_customer: int | None = strawberry.field(default=strawberry.UNSET, description=_PER_CUSTOMER)


@strawberry.input(description="Which limits to change; null lifts one, what is not given stays.")
class UpdateUsageFollowerInput(Keyed):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")
    max_limit_in_basket: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_BASKET)
    max_total_limit: int | None = strawberry.field(default=strawberry.UNSET, description=_IN_ALL)
    max_limit_per_customer: int | None = strawberry.field(default=strawberry.UNSET, description=_PER_CUSTOMER)


@strawberry.input(description="Which follower to delete.")
class DeleteUsageFollowerInput(Keyed):
    id: strawberry.ID = strawberry.field(description="Its Relay id or its raw `_id`.")


@strawberry.input(description="How much to set aside, of exactly one coupon or campaign.")
class CheckUsageInput(Keyed):
    user_id: str = strawberry.field(description=_USER)
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    campaign_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_CAMPAIGN)
    usage_amount: int | None = strawberry.field(default=strawberry.UNSET, description=_AMOUNT_OF_CHECK)


@strawberry.input(description="What to count, of a coupon, campaigns or both.")
class AddUsageInput(Keyed):
    user_id: str = strawberry.field(description=_USER)
    campaign_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="The campaigns, by their raw `_id`."
    )
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    usage_amount: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units of each; the open hold where it is not given."
    )


@strawberry.input(description="What to give back, of a coupon, campaigns or both.")
class RemoveUsageInput(Keyed):
    user_id: str = strawberry.field(description=_USER)
    campaign_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET, description="The campaigns, by their raw `_id`."
    )
    coupon_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description=_COUPON)
    usage_amount: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many units of each, as far as there are so many; 1 by default."
    )


@strawberry.input(description="What to check and count at once, of exactly one coupon or campaign.")
class RedeemUsageInput(Keyed):
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
class CheckUsagePayload:
    granted: int = strawberry.field(description="How many units; 0 where there are none left.")
    limits: list[UsageLimit] = strawberry.field(description="The limits that allowed no more.")
    usage_follower: UsageFollower = strawberry.field(description="The follower.")

    @classmethod
    def from_domain(cls, grant: models.Grant) -> Self:
        follower = grant.snapshot.follower
        return cls(
            granted=grant.granted,
            limits=UsageLimit.all_of(follower, grant.limits),
            usage_follower=UsageFollower.from_domain(follower),
        )


@strawberry.type
class _Moved:
    usage_follower: UsageFollower = strawberry.field(description="The first of the followers that were named.")
    usage_followers: list[UsageFollower] = strawberry.field(description="All of them, in the order they were named.")

    @classmethod
    def from_domain(cls, snapshots: Sequence[models.UsageSnapshot]) -> Self:
        followers = [UsageFollower.from_domain(one.follower) for one in snapshots]
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
