"""How a follower, a user's counter and a ledger row stand in MongoDB. A follower's fields are those of its document.

A user's counter is a document of its own: user ids never become field names, where `$` and `.` would harm, and a
follower stays as small with a million users as with none.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from models.usage import Availability, Followed, Limits, UsageFollower, UserUsage, limit_to_json, target_of
from models.usage_inputs import Move
from services.kit.stored_form import FORM


def follower_from_document(document: Mapping[str, Any]) -> UsageFollower:
    return UsageFollower(
        id=str(document["_id"]),
        coupon_id=_text_or_none(document.get("couponId")),
        campaign_id=_text_or_none(document.get("campaignId")),
        limits=Limits(
            document.get("maxLimitInBasket"), document.get("maxTotalLimit"), document.get("maxLimitPerCustomer")
        ),
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        total_usage_count=document["totalUsageCount"],
        held_count=document["heldCount"],
        user_count=document["userCount"],
        revision=document["revision"],
    )


def follower_to_document(follower: UsageFollower) -> dict[str, Any]:
    targets = {name: ObjectId(identifier) for name, identifier in target_of(follower).items()}
    return {
        "_id": ObjectId(follower.id),
        **targets,
        **limits_to_json(follower.limits),
        "totalUsageCount": follower.total_usage_count,
        "heldCount": follower.held_count,
        "userCount": follower.user_count,
        "revision": follower.revision,
        "form": FORM,
        "createdAt": follower.created_at,
        "updatedAt": follower.updated_at,
    }


def usage_from_document(document: Mapping[str, Any]) -> UserUsage:
    return UserUsage(
        id=str(document["_id"]),
        follower_id=str(document["followerId"]),
        user_id=document["userId"],
        used=document["used"],
        held=document["held"],
        hold_expires_at=document.get("holdExpiresAt"),
    )


def usage_to_document(usage: UserUsage) -> dict[str, Any]:
    document = {
        "_id": ObjectId(usage.id),
        "followerId": ObjectId(usage.follower_id),
        "userId": usage.user_id,
        "used": usage.used,
        "held": usage.held,
    }
    # Only a hold that stands has an expiry, so that their index holds nothing else.
    return document if usage.hold_expires_at is None else document | {"holdExpiresAt": usage.hold_expires_at}


def usage_ledger_row(
    follower: UsageFollower, user_id: str | None, amount: int, move: Move, by: str, cause: str | None, at: datetime
) -> dict[str, Any]:
    """One move of a count, kept for ever: who, what, how much, in which order (`sequence`), by whom and upon what."""
    return {
        "followerId": ObjectId(follower.id),
        **{name: ObjectId(identifier) for name, identifier in target_of(follower).items()},
        "userId": user_id,
        "amount": amount,
        "move": move.value,
        "sequence": follower.revision,
        "by": by,
        "cause": cause,
        "at": at,
    }


def limits_to_json(limits: Limits) -> dict[str, int | None]:
    return {
        "maxLimitInBasket": limits.in_basket,
        "maxTotalLimit": limits.total,
        "maxLimitPerCustomer": limits.per_customer,
    }


def followed_to_json(followed: Followed) -> dict[str, Any]:
    """A follower as its document shows it, with the maps of the users that the answer is about."""
    follower = followed.follower
    return {
        "_id": follower.id,
        "couponId": follower.coupon_id,
        "campaignId": follower.campaign_id,
        **limits_to_json(follower.limits),
        "totalUsageCount": follower.total_usage_count,
        "userUsageCount": {usage.user_id: usage.used for usage in followed.usages},
        "tempUsageCount": _positive((usage.user_id, usage.open_hold(followed.at)) for usage in followed.usages),
    }


def availability_to_json(availability: Availability) -> dict[str, Any]:
    return {
        **target_of(availability.follower),
        "limits": [limit_to_json(limit) for limit in availability.limits],
        "used": availability.used,
        "held": availability.held,
        "totalUsageCount": availability.total_usage_count,
        "available": availability.available,
    }


def _positive(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {user_id: count for user_id, count in counts if count > 0}


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
