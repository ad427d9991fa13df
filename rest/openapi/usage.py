"""What is told of the paths of usage followers."""

from typing import Annotated

from pydantic import Field

from models.usage import commands
from models.usage.follower import (
    Availability,
    NoOpenHold,
    UsageFollower,
    UsageFollowerAlreadyExists,
    UsageFollowerNotFound,
    UsageLimitReached,
)
from rest.openapi.description import Answer, Description, Either, ListOf, ObjectId, Of, Shape
from rest.openapi.samples import CAMPAIGN, LIMIT, USER
from rest.openapi.samples import FOLLOWER as SAMPLE

TAG = "Usage followers"
SHOWN = ("_id", "couponId", "campaignId", "maxLimitInBasket", "maxTotalLimit", "maxLimitPerCustomer", "totalUsageCount")
FOLLOWER = Shape(
    UsageFollower,
    "UsageFollower",
    only=SHOWN,
    more={"userUsageCount": Of(dict[str, int], {USER: 2}), "tempUsageCount": Of(dict[str, int], {})},
)
FOLLOWERS = Either(FOLLOWER, ListOf(FOLLOWER))
LEFT = Shape(
    Availability,
    "UsageAvailability",
    without=frozenset({"follower", "userId"}),
    more={"campaignId": Of(str, CAMPAIGN), "couponId": Of(str, CAMPAIGN)},
    optional=frozenset({"campaignId", "couponId"}),
)
BY_ID = {"usageFollowerId": Of(ObjectId, "60d21b4667d0d8992e610e01")}
NOT_FOUND = UsageFollowerNotFound()
REACHED = UsageLimitReached([(SAMPLE, LIMIT)])

CHECK = Description(
    "checkUsage",
    TAG,
    "Ask how many units may be used, and hold them",
    Answer("How many units are held now.", Of(Annotated[int, Field(ge=0)], 1)),
    body=commands.CheckUsage,
    refuses=(NOT_FOUND,),
)
ADD = Description(
    "addUsage",
    TAG,
    "Count usage, on all the named followers or on none",
    Answer("The follower, or a list where several were named.", FOLLOWERS),
    "Without `usageAmount` the open hold is counted.",
    body=commands.MoveUsage,
    refuses=(NOT_FOUND, REACHED, NoOpenHold()),
)
REMOVE = Description(
    "removeUsage",
    TAG,
    "Give usage back, never below zero",
    Answer("The follower, or a list where several were named.", FOLLOWERS),
    "Without `usageAmount` it is one unit.",
    body=commands.MoveUsage,
    refuses=(NOT_FOUND,),
)
REDEEM = Description(
    "redeemUsage",
    TAG,
    "Check and count usage in one step",
    Answer("The follower.", FOLLOWER),
    "Without `usageAmount` the open hold is counted, else one unit.",
    body=commands.RedeemUsage,
    refuses=(NOT_FOUND, REACHED),
)
GET_AVAILABILITY = Description(
    "getUsageAvailability",
    TAG,
    "Ask what is left, and change nothing",
    Answer("What is left; `available` is null where nothing limits it.", LEFT),
    path={"id": Of(ObjectId, CAMPAIGN)},
    body=commands.AskedUser,
    needs_body=False,
    refuses=(NOT_FOUND,),
)
CREATE = Description(
    "createUsageFollower",
    TAG,
    "Make a follower of a coupon or a campaign",
    Answer("The follower that was made.", FOLLOWER, 201),
    body=commands.CreateUsageFollower,
    refuses=(UsageFollowerAlreadyExists(),),
)
UPDATE = Description(
    "updateUsageFollower",
    TAG,
    "Change the limits of a follower",
    Answer("The follower with all its users.", FOLLOWER),
    "A limit that is not named stays as it is, null lifts it.",
    path=BY_ID,
    body=commands.FollowerChange,
    refuses=(NOT_FOUND,),
)
DELETE = Description(
    "deleteUsageFollower",
    TAG,
    "Delete a follower",
    Answer("The follower that was deleted.", FOLLOWER),
    path=BY_ID,
    refuses=(NOT_FOUND,),
)
