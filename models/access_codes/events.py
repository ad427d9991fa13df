"""What others are told of access codes and their batches."""

from datetime import datetime

from models.access_codes.access_code import AccessCode, AccessCodeUse
from models.access_codes.batches import AccessCodeBatch
from models.base import to_json
from models.events import Event
from models.values.instants import iso


def created_event(code: AccessCode) -> Event:
    return Event("couponSystem-accessCodeCreated", code.id, to_json(code))


def switched_event(code: AccessCode) -> Event:
    """The code as it is after it."""
    value = {
        "accessCodeId": code.id,
        "code": code.code,
        "batch": code.batch,
        "active": code.active,
        "switchedAt": iso(code.updated_at),
    }
    return Event("couponSystem-accessCodeSwitched", code.id, value)


def redeemed_event(code: AccessCode, use: AccessCodeUse) -> Event:
    """The code as it is after it."""
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


def batch_created_event(batch: AccessCodeBatch) -> Event:
    """The batch with all the codes that it has by now."""
    value = {
        "name": batch.name,
        "codes": batch.made,
        "description": batch.description,
        "maxUses": batch.max_uses,
        "expiryDays": batch.expiry_days,
        "expiresAt": batch.expires_at and iso(batch.expires_at),
        "createdAt": iso(batch.created_at),
        "createdBy": batch.created_by,
    }
    return Event("couponSystem-accessCodeBatchCreated", batch.name, value)


def batch_switched_event(name: str, changed: int, at: datetime, *, active: bool) -> Event:
    """So many more of its codes are switched."""
    value = {"name": name, "active": active, "changed": changed, "switchedAt": iso(at)}
    return Event("couponSystem-accessCodeBatchSwitched", name, value)
