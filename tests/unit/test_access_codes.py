"""The rules of access codes in the order of the documents, what commands change, and how both are stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from models.access_codes.access_code import (
    AccessCode,
    CreateAccessCode,
    RedeemAccessCode,
    require_activatable,
    require_found,
    require_usable,
    usage_of,
)
from models.access_codes.batches import (
    ActivateAccessCodeBatch,
    BatchChanged,
    ImportAccessCode,
    Outcome,
    imported_batch,
    new_batch,
    require_same,
)
from models.access_codes.effects import new_access_code, redeem, switch, switch_each
from models.access_codes.refusals import (
    AccessCodeAlreadyUsed,
    AccessCodeExpired,
    AccessCodeFullyUsed,
    AccessCodeInactive,
    AccessCodeNotFound,
    CannotActivateExpired,
    CannotActivateFullyUsed,
    InvalidAccessCode,
)
from models.errors import InvalidInput
from models.inputs import parse
from models.values.ids import global_id
from services.access_codes.repository import ACCESS_CODES, USES

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CODE = new_access_code(CreateAccessCode(2, 30, "Beta"), identifier="a" * 24, code="ABC123", by="admin", now=NOW)
END = NOW + timedelta(days=30)
INACTIVE, FULL = replace(CODE, active=False), replace(CODE, used_count=2)


@pytest.mark.parametrize(
    ("code", "now", "has_used", "refusal"),
    [
        (None, NOW, False, InvalidAccessCode),
        (CODE, END, False, AccessCodeExpired),
        # Each of those below would be refused by the ones after it too: the first that holds says why.
        (replace(FULL, active=False), END, True, AccessCodeExpired),
        (replace(FULL, active=False), NOW, True, AccessCodeInactive),
        (INACTIVE, NOW, False, AccessCodeInactive),
        (FULL, NOW, True, AccessCodeFullyUsed),
        (FULL, NOW, False, AccessCodeFullyUsed),
        (replace(CODE, used_count=3), NOW, False, AccessCodeFullyUsed),
        (CODE, NOW, True, AccessCodeAlreadyUsed),
    ],
)
def test_the_first_rule_that_a_use_breaks_says_why(
    code: AccessCode | None, now: datetime, has_used: bool, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        require_usable(code, now, has_used=has_used)
    if code is not None:
        assert usage_of(code, now).is_usable is (refusal is AccessCodeAlreadyUsed)


@pytest.mark.parametrize("now", [NOW, END - timedelta(milliseconds=1)])
def test_a_code_can_be_used_until_the_instant_it_expires(now: datetime) -> None:
    assert require_usable(CODE, now) is CODE
    assert usage_of(CODE, now).is_usable


@pytest.mark.parametrize(
    ("code", "now", "refusal"),
    [
        (replace(FULL, active=False), END, CannotActivateFullyUsed),
        (FULL, NOW, CannotActivateFullyUsed),
        (INACTIVE, END, CannotActivateExpired),
        (CODE, END, CannotActivateExpired),
    ],
)
def test_the_first_rule_that_an_activation_breaks_says_why(
    code: AccessCode, now: datetime, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal, match="Cannot activate: "):
        require_activatable(code, now)
    assert require_activatable(INACTIVE, NOW) is INACTIVE


def test_a_code_that_is_not_there_is_not_found() -> None:
    with pytest.raises(AccessCodeNotFound, match="Access code not found"):
        require_found(None)
    assert require_found(CODE) is CODE


def test_a_new_code_is_unused_and_expires_after_days_of_24_hours() -> None:
    assert (CODE.used_count, CODE.max_uses, CODE.active, CODE.created_by) == (0, 2, True, "admin")
    assert (CODE.expires_at, CODE.created_at, CODE.updated_at) == (END, NOW, NOW)


@pytest.mark.parametrize("twitter_id", [None, "42"])
def test_a_redemption_counts_one_use_and_keeps_what_its_user_is_shown(twitter_id: str | None) -> None:
    at = NOW + timedelta(hours=1)
    done = redeem(CODE, RedeemAccessCode("abc123", "ada", twitter_id), use_id="b" * 24, at=at)
    assert done.code == replace(CODE, used_count=1, updated_at=at)
    assert CODE.used_count == 0
    assert (done.use.code_id, done.use.code, done.use.description) == (CODE.id, "ABC123", "Beta")
    assert (done.use.expires_at, done.use.created_at, done.use.redeemed_at) == (END, NOW, at)
    assert (done.use.username, done.use.twitter_id) == ("ada", twitter_id)
    assert (done.event.topic, done.event.key) == ("couponSystem-accessCodeRedeemed", CODE.id)
    assert done.event.value == {
        "accessCodeId": CODE.id,
        "code": "ABC123",
        "description": "Beta",
        "username": "ada",
        "twitterId": twitter_id,
        "usedCount": 1,
        "maxUses": 2,
        "redeemedAt": "2026-01-01T13:00:00.000Z",
    }


def test_switching_to_what_it_is_changes_nothing() -> None:
    later = NOW + timedelta(1)
    assert switch(CODE, active=True, at=later) is CODE
    assert switch(CODE, active=False, at=later) == replace(CODE, active=False, updated_at=later)
    assert switch(INACTIVE, active=True, at=later) == replace(CODE, updated_at=later)


@pytest.mark.parametrize(
    ("used_count", "now", "shown"),
    [
        (0, NOW, (0.0, False, 2, 30)),
        (1, NOW + timedelta(milliseconds=1), (50.0, False, 1, 30)),
        (1, END - timedelta(milliseconds=1), (50.0, False, 1, 1)),
        (2, END, (100.0, True, 0, 0)),
        (3, END + timedelta(days=2), (150.0, True, 0, 0)),
    ],
)
def test_how_far_a_code_is_used(used_count: int, now: datetime, shown: tuple[Any, ...]) -> None:
    usage = usage_of(replace(CODE, used_count=used_count), now)
    assert (usage.usage_percentage, usage.is_expired, usage.remaining_uses, usage.days_until_expiry) == shown


KIND = CreateAccessCode(2, 30, "Beta")
BATCH = new_batch("b1", KIND, asked=10, by="ann", now=NOW)


def test_a_batch_is_begun_with_nothing_made_and_completed_whatever_number_is_asked_for() -> None:
    assert (BATCH.name, BATCH.made, BATCH.count, BATCH.expires_at) == ("b1", 0, 10, END)
    begun = replace(BATCH, made=20)
    assert require_same(begun, KIND) is begun
    assert begun.count == 20


@pytest.mark.parametrize("other", [{"max_uses": 1}, {"expiry_days": 31}, {"description": "beta"}])
def test_a_batch_that_was_begun_with_other_values_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(BatchChanged):
        require_same(BATCH, replace(KIND, **other))
    with pytest.raises(BatchChanged):
        require_same(imported_batch("b1", by="ann", now=NOW), KIND)


def test_switching_many_codes_is_switching_each() -> None:
    expired, full = replace(INACTIVE, expires_at=NOW), replace(FULL, active=False)
    done = switch_each([CODE, INACTIVE, expired, full, replace(full, expires_at=NOW)], active=True, at=NOW)
    assert [(before, after.active) for before, after in done.changes] == [(INACTIVE, True)]
    assert (done.full, done.expired) == (2, 1)
    off = switch_each([INACTIVE, FULL, CODE], active=False, at=NOW)
    assert [(before, after.active) for before, after in off.changes] == [(FULL, False), (CODE, False)]


def test_a_batch_is_named_by_its_name_or_its_relay_id() -> None:
    for given in ("b1", " b1 ", global_id("AccessCodeBatch", "b1")):
        assert parse(ActivateAccessCodeBatch, {"id": given}).name == "b1"
    other = global_id("AccessCode", "b1")
    assert parse(ActivateAccessCodeBatch, {"id": other}).name == other
    with pytest.raises(InvalidInput):
        parse(ActivateAccessCodeBatch, {"id": "b" * 257})


ROW = ImportAccessCode("ABC123", 2, END, "Beta", 1, False)


def test_a_row_is_imported_as_it_is() -> None:
    made = ROW.create(identifier=CODE.id, now=NOW)
    assert made == replace(CODE, used_count=1, active=False)
    older = replace(ROW, created_at=NOW - timedelta(1), created_by="ada").create(identifier=CODE.id, now=NOW)
    assert (older.created_at, older.updated_at, older.created_by) == (NOW - timedelta(1), NOW - timedelta(1), "ada")


@pytest.mark.parametrize(
    ("row", "there", "outcome"),
    [
        (ROW, None, Outcome.IMPORTED),
        (ROW, CODE, Outcome.PRESENT),
        # What may have moved since is not compared.
        (replace(ROW, used_count=0, active=True, created_by="ada"), CODE, Outcome.PRESENT),
        (replace(ROW, description="beta"), CODE, Outcome.REFUSED),
        (replace(ROW, max_uses=3), CODE, Outcome.REFUSED),
        (replace(ROW, expires_at=NOW), CODE, Outcome.REFUSED),
    ],
)
def test_a_row_is_known_by_what_never_changes_of_a_code(
    row: ImportAccessCode, there: AccessCode | None, outcome: Outcome
) -> None:
    done = row.judge(7, there)
    assert (done.line, done.outcome) == (7, outcome)
    fault = "code ABC123 is there with another description, maxUses or expiresAt"
    assert done.faults == ((fault,) if outcome is Outcome.REFUSED else ())


def test_a_code_is_stored_with_what_follows_from_it() -> None:
    document = ACCESS_CODES.dump(FULL)
    assert document == {
        "_id": ObjectId("a" * 24),
        "code": "ABC123",
        "description": "Beta",
        "maxUses": 2,
        "usedCount": 2,
        "expiresAt": END,
        "active": True,
        "createdAt": NOW,
        "updatedAt": NOW,
        "createdBy": "admin",
        "isPublic": False,
        "form": 2,
        "full": True,
        "codeKey": "abc123",
        "codeTurned": "12c3ba",
    }
    assert ACCESS_CODES.load(document | {"unaccountedUses": 1, "touch": "x"}) == FULL


def test_an_update_adds_uses_and_sets_the_rest() -> None:
    later = NOW + timedelta(1)
    assert ACCESS_CODES.update(CODE, replace(FULL, updated_at=later), ("used_count",)) == {
        "$inc": {"usedCount": 2},
        "$set": {"updatedAt": later, "full": True},
    }
    assert ACCESS_CODES.update(CODE, INACTIVE, ("used_count",)) == {"$set": {"active": False}}


def test_a_use_that_an_older_release_stored_without_a_twitter_id_is_read() -> None:
    use = redeem(CODE, RedeemAccessCode("ABC123", "ada"), use_id="b" * 24, at=NOW).use
    document = USES.dump(use)
    assert document["codeId"] == ObjectId(CODE.id)
    assert document["twitterId"] is None
    del document["twitterId"]
    assert USES.load(document | {"again": 1}) == use
