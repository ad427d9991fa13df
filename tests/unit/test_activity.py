"""What the activity tells of, what a row holds, and how refusals are gathered within bounds."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from bson import ObjectId
from prometheus_client import CollectorRegistry
from pymongo.errors import AutoReconnect, BulkWriteError

from models.access_codes.access_code import RedeemAccessCode
from models.activity import (
    Activity,
    ActivityFilter,
    Actor,
    Deed,
    Outcome,
    Thing,
    activity_of,
    is_told,
)
from models.coupons.coupon import DeleteCoupon, RedeemCoupon
from models.coupons.refusals import AlreadyRedeemed
from models.errors import DomainError, InvalidInput, ServiceUnavailable
from models.inputs import parse
from models.orders.commands import RefundOrder, RefundProduct
from models.principal import CONSUMERS, MAIN_KEY, SYSTEM, ActingKey, ActorKind, Principal, Role, Transport
from models.usage.commands import CheckUsage, Commit, GiveBack, RedeemUsage
from models.values.ids import global_id
from models.verbs import VERBS, Verb
from services.kit.activity import refusals
from services.kit.activity.log import ACTIVITY
from services.kit.activity.refusals import HourlyCap, RefusedRows
from services.kit.database import Collection
from services.kit.instruments.metrics import WorkMetrics
from tests.support.eventually import eventually

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ADA, NOBODY = Principal(user_id="ada"), Principal()
ADMIN = Principal(key=MAIN_KEY)
VIEWER = Principal(key=ActingKey("eve", Role.VIEWER))
REFUSED = AlreadyRedeemed()
REFUNDS = {RefundOrder.verb, RefundProduct.verb}
TOLD_WHEN_REFUSED = REFUNDS | {
    RedeemCoupon.verb,
    RedeemAccessCode.verb,
    CheckUsage.verb,
    Commit.verb,
    GiveBack.verb,
    RedeemUsage.verb,
}


@pytest.mark.parametrize(
    ("verb", "caller", "refusal", "told"),
    [
        *((verb, admin, None, True) for verb in VERBS.values() for admin in (ADMIN, VIEWER, SYSTEM, CONSUMERS)),
        *((verb, user, None, verb in REFUNDS) for verb in VERBS.values() for user in (ADA, NOBODY)),
        *((verb, who, REFUSED, verb in TOLD_WHEN_REFUSED) for verb in VERBS.values() for who in (ADA, NOBODY, ADMIN)),
        *((verb, ADA, ServiceUnavailable(), False) for verb in VERBS.values()),
    ],
    ids=str,
)
def test_what_admins_do_every_refund_and_refused_uses_are_told(
    verb: Verb, caller: Principal, refusal: DomainError | None, told: bool
) -> None:
    assert is_told(Deed(verb), caller, refusal) is told


def test_a_row_tells_who_and_whom_it_is_about_and_nothing_else() -> None:
    caller = replace(ADA, address="10.0.0.1", transport=Transport.REST, request_id="r1")
    deed = Deed(RedeemCoupon.verb, (Thing("Coupon", "c1"),), ("1001", None, "Ada L", "1001"))
    row = activity_of(deed, caller, REFUSED, identifier="a" * 24, at=NOW)
    assert row == Activity(
        id="a" * 24,
        at=NOW,
        by=Actor("ada", ActorKind.USER),
        transport=Transport.REST,
        verb="REDEEM_COUPON",
        objects=(Thing("Coupon", "c1"),),
        subjects=("1001", "Ada L", "ada"),
        outcome=Outcome.REFUSED,
        code=REFUSED.code,
        message=REFUSED.message,
        request_id="r1",
    )
    assert "10.0.0.1" not in repr(row)
    stored = ACTIVITY.dump(row)
    assert stored["subjectKeys"] == ["1001", "ada l", "ada"]
    assert ACTIVITY.load(stored) == row


def test_an_admin_is_not_among_those_whom_it_is_about() -> None:
    by_token = Principal(user_id="boss", user_types=("admin",))
    for caller in (by_token, ADMIN, SYSTEM):
        row = activity_of(Deed(DeleteCoupon.verb), caller, None, identifier="a" * 24, at=NOW)
        assert (row.subjects, row.object, row.request_id) == ((), None, None)
        assert ACTIVITY.load(ACTIVITY.dump(row)) == row


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("ABCDEFABCDEFABCDEFABCDEF", "abcdefabcdefabcdefabcdef"),
        (global_id("Order", "abcdefabcdefabcdefabcdef"), "abcdefabcdefabcdefabcdef"),
        (global_id("AccessCodeBatch", "Spring"), "Spring"),
        ("Spring", "Spring"),
    ],
)
def test_an_object_is_named_by_either_id(sent: str, meant: str) -> None:
    assert parse(ActivityFilter, {"objectId": sent}).object_id == meant


def test_an_object_is_named_by_a_text() -> None:
    with pytest.raises(InvalidInput):
        parse(ActivityFilter, {"objectId": 5})


def test_the_cap_holds_for_each_address_and_for_all_and_begins_anew_every_hour() -> None:
    cap = HourlyCap(each=2, total=5)
    assert [cap.admits("a", NOW) for _ in range(4)] == [True, True, False, False]
    assert [cap.admits("b", NOW + timedelta(minutes=29)) for _ in range(3)] == [True, True, False]
    assert [cap.admits(None, NOW) for _ in range(2)] == [True, False], "without an address the total counts"
    assert not cap.admits("c", NOW)
    assert cap.admits("a", NOW + timedelta(minutes=30))


class FakeRows:
    """A collection that raises these faults in turn, then takes everything."""

    def __init__(self, *faults: Exception) -> None:
        self._faults = list(faults)
        self.taken: list[Any] = []

    async def insert_many(self, rows: Sequence[Any], **_: object) -> None:
        await asyncio.sleep(0)
        if self._faults:
            raise self._faults.pop(0)
        self.taken += rows


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "GATHERING_SECONDS", 0.001)
    monkeypatch.setattr(refusals, "AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(refusals, "CLOSING_SECONDS", 0.05)


def gathered(rows: FakeRows, number: int) -> RefusedRows:
    refused = RefusedRows(cast("Collection", rows), WorkMetrics(CollectorRegistry()).refusals_lost)
    for _ in range(number):
        refused.put({"_id": ObjectId()})
    return refused


@pytest.mark.usefixtures("quick")
async def test_rows_are_written_together_and_again_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "WRITTEN_AT_ONCE", 3)
    refused = gathered(rows := FakeRows(AutoReconnect("away"), AutoReconnect("away")), 7)
    await eventually(lambda: not refused.waiting, within=5)
    assert (len(rows.taken), refused.dropped) == (7, 0)
    await refused.close()


@pytest.mark.usefixtures("quick")
async def test_what_an_earlier_try_wrote_is_no_loss_and_what_cannot_be_written_is_counted() -> None:
    both = BulkWriteError({"writeErrors": [{"index": 0, "code": 11000}, {"index": 1, "code": 121}]})
    refused = gathered(FakeRows(both), 2)
    await eventually(lambda: not refused.waiting, within=5)
    assert refused.dropped == 1
    refused = gathered(FakeRows(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")), 2)
    await eventually(lambda: not refused.waiting, within=5)
    assert refused.dropped == 2


@pytest.mark.usefixtures("quick")
async def test_what_mongodb_does_not_take_at_the_end_is_dropped_and_told(caplog: pytest.LogCaptureFixture) -> None:
    refused = gathered(FakeRows(*(AutoReconnect("away") for _ in range(1_000))), 4)
    await refused.close()
    assert (refused.dropped, refused.waiting) == (4, 0)
    assert "4 while MongoDB was away" in caplog.text
