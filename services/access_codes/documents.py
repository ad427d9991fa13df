"""How an access code and its uses stand in MongoDB. The field names are those of the access code document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from models.access_code import AccessCode, AccessCodeUsage, AccessCodeUse
from models.codes import typed_form
from models.events import Event
from models.instants import iso
from services.kit.search import trigrams
from services.kit.stored_form import FORM

SEARCH_FIELDS = {"codeKey": False, "codeTrigrams": False}
"""A projection that leaves out what only a search needs."""


def access_code_from_document(document: dict[str, Any]) -> AccessCode:
    return AccessCode(
        id=str(document["_id"]),
        code=document["code"],
        description=document["description"],
        max_uses=document["maxUses"],
        used_count=document["usedCount"],
        expires_at=document["expiresAt"],
        active=document["active"],
        created_at=document["createdAt"],
        updated_at=document["updatedAt"],
        created_by=document["createdBy"],
    )


def access_code_to_document(code: AccessCode) -> dict[str, Any]:
    return {
        "_id": ObjectId(code.id),
        "code": code.code,
        "description": code.description,
        "maxUses": code.max_uses,
        "usedCount": code.used_count,
        "expiresAt": code.expires_at,
        "active": code.active,
        "createdAt": code.created_at,
        "updatedAt": code.updated_at,
        "createdBy": code.created_by,
        "form": FORM,
        **derived_fields(code.code, code.used_count, code.max_uses),
    }


def derived_fields(code: str, used_count: int, max_uses: int) -> dict[str, Any]:
    """What follows from the other fields and is kept for searches and counts."""
    return {"full": used_count >= max_uses, **search_fields(code)}


def search_fields(code: str) -> dict[str, Any]:
    key = typed_form(code)
    return {"codeKey": key, "codeTrigrams": trigrams(key)}


def use_from_document(document: dict[str, Any]) -> AccessCodeUse:
    return AccessCodeUse(
        id=str(document["_id"]),
        code_id=str(document["codeId"]),
        code=document["code"],
        description=document["description"],
        expires_at=document["expiresAt"],
        created_at=document["createdAt"],
        username=document["username"],
        redeemed_at=document["redeemedAt"],
        twitter_id=document.get("twitterId"),
    )


def use_to_document(use: AccessCodeUse) -> dict[str, Any]:
    return {
        "_id": ObjectId(use.id),
        "codeId": ObjectId(use.code_id),
        "code": use.code,
        "description": use.description,
        "expiresAt": use.expires_at,
        "createdAt": use.created_at,
        "username": use.username,
        "redeemedAt": use.redeemed_at,
        "twitterId": use.twitter_id,
    }


def use_of(code: AccessCode, username: str, twitter_id: str | None, at: datetime) -> AccessCodeUse:
    """A new use of a code, with what its user is shown of the code for ever."""
    return AccessCodeUse(
        id=str(ObjectId()),
        code_id=code.id,
        code=code.code,
        description=code.description,
        expires_at=code.expires_at,
        created_at=code.created_at,
        username=username,
        redeemed_at=at,
        twitter_id=twitter_id,
    )


def redeemed_event(code: AccessCode, use: AccessCodeUse) -> Event:
    value = {
        "accessCodeId": code.id,
        "code": code.code,
        "description": code.description,
        "username": use.username,
        "twitterId": use.twitter_id,
        "usedCount": code.used_count,
        "maxUses": code.max_uses,
        "redeemedAt": iso(use.redeemed_at),
    }
    return Event("couponSystem-accessCodeRedeemed", code.id, value)


def access_code_to_json(code: AccessCode, uses: Sequence[AccessCodeUse]) -> dict[str, Any]:
    """A code as the access code document shows it in lists."""
    return {
        "_id": code.id,
        "code": code.code,
        "description": code.description,
        "maxUses": code.max_uses,
        "usedCount": code.used_count,
        "expiresAt": iso(code.expires_at),
        "active": code.active,
        "createdAt": iso(code.created_at),
        "createdBy": code.created_by,
        "usedBy": [
            {"twitterId": use.twitter_id, "username": use.username, "redeemedAt": iso(use.redeemed_at)} for use in uses
        ],
    }


def usage_to_json(usage: AccessCodeUsage) -> dict[str, Any]:
    """The `stats` of a code's details."""
    return {
        "usagePercentage": usage.usage_percentage,
        "isExpired": usage.is_expired,
        "isUsable": usage.is_usable,
        "remainingUses": usage.remaining_uses,
        "daysUntilExpiry": usage.days_until_expiry,
    }
