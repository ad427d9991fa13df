"""The rules and effects of usage followers, in tables: what is allowed, what is refused and what changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.errors import DomainError, Forbidden, InvalidInput, Unauthenticated
from models.inputs import parse
from models.principal import SYSTEM, ActingKey, Principal, Role
from models.sent import RefusedCommand, accept, read_for_user
from models.usage.commands import (
    CheckUsage,
    Commit,
    CreateUsageFollower,
    FindUsageFollower,
    FollowerChange,
    GiveBack,
    MoveUsage,
    MoveUsages,
    RedeemUsage,
)
from models.usage.effects import (
    UsageAccount,
    change_follower,
    commit,
    enrol,
    give_back,
    hold,
    new_follower,
    sweep,
)
from models.usage.follower import (
    FollowerKey,
    KeyKind,
    LimitKind,
    Limits,
    Move,
    NoOpenHold,
    UsageBalance,
    UsageFollower,
    UsageLimitReached,
    UserUsage,
    decide,
    judge_availability,
    limits_left,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)
CAMPAIGN, COUPON = "a" * 24, "b" * 24
KEY = FollowerKey(KeyKind.CAMPAIGN, CAMPAIGN)
LIFETIME = timedelta(minutes=15)


def follower(limits: Limits | None = None, **totals: Any) -> UsageFollower:
    """A follower of the campaign, as it was some time ago."""
    made = new_follower(KEY, limits or Limits(), identifier="f" * 24, now=EARLIER)
    return replace(made, **totals)


def account(
    used: int = 0, held: int = 0, *, until: datetime = LATER, limits: Limits | None = None, others: int = 0, **more: Any
) -> UsageAccount:
    """A user's account; `others` is what is held for others, all of it open."""
    usage = UserUsage("c" * 24, "f" * 24, "ada", used, held, until if held else None)
    expired = usage.expired_hold(NOW)
    totals = {"total_usage_count": used, "held_count": held + others, "user_count": 1, **more}
    return UsageAccount(follower(limits, **totals), usage, expired)


def new_account(limits: Limits | None = None) -> UsageAccount:
    return UsageAccount(follower(limits), UserUsage("c" * 24, "f" * 24, "ada"), is_new=True)


def counted(amount: int | None = None, default: int | None = None) -> Commit:
    return Commit((KEY,), "ada", amount, default, Move.ADD, "admin", "a test")


BALANCE = UsageBalance(used=2, held=3, total=10, held_by_others=4)


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (Limits(), []),
        (Limits(max_limit_in_basket=5), [(LimitKind.BASKET, 0, 3, 5)]),
        (Limits(max_limit_per_customer=5), [(LimitKind.CUSTOMER, 2, 3, 3)]),
        (Limits(max_limit_per_customer=1), [(LimitKind.CUSTOMER, 2, 3, 0)]),
        (Limits(max_total_limit=20), [(LimitKind.TOTAL, 10, 4, 6)]),
        (Limits(max_total_limit=14), [(LimitKind.TOTAL, 10, 4, 0)]),
        (Limits(max_total_limit=0), [(LimitKind.TOTAL, 10, 4, 0)]),
        (Limits(5, 20, 5), [(LimitKind.BASKET, 0, 3, 5), (LimitKind.CUSTOMER, 2, 3, 3), (LimitKind.TOTAL, 10, 4, 6)]),
    ],
)
def test_what_a_limit_leaves_is_never_less_than_nothing(limits: Limits, left: list[tuple[Any, ...]]) -> None:
    found = limits_left(limits, BALANCE)
    assert [(limit.kind, limit.used, limit.held, limit.remaining) for limit in found] == left


@pytest.mark.parametrize(
    ("limits", "amount", "granted", "binding"),
    [
        (Limits(), 1_000_000, 1_000_000, []),
        (Limits(5, 20, 5), 3, 3, []),
        (Limits(5, 20, 5), 4, 3, [LimitKind.CUSTOMER]),
        (Limits(5, 20, 5), 6, 3, [LimitKind.BASKET, LimitKind.CUSTOMER]),
        (Limits(5, 20, 5), 7, 3, [LimitKind.BASKET, LimitKind.CUSTOMER, LimitKind.TOTAL]),
        (Limits(max_total_limit=12), 1, 0, [LimitKind.TOTAL]),
    ],
)
def test_the_tightest_limit_decides(limits: Limits, amount: int, granted: int, binding: list[LimitKind]) -> None:
    decision = decide(limits, BALANCE, amount)
    assert (decision.granted, [limit.kind for limit in decision.binding]) == (granted, binding)


@pytest.mark.parametrize(("limits", "available"), [(Limits(), None), (Limits(5, 20, 5), 3), (Limits(0), 0)])
def test_what_is_available_is_what_the_tightest_limit_leaves(limits: Limits, available: int | None) -> None:
    found = judge_availability(follower(limits), BALANCE)
    assert (found.available, found.used, found.held, found.total_usage_count) == (available, 2, 3, 10)


@pytest.mark.parametrize(
    ("until", "open_hold", "others"),
    [(LATER, 3, 4), (NOW, 0, 4), (EARLIER, 0, 4)],
    ids=["open", "this instant", "past"],
)
def test_an_expired_hold_counts_for_nothing(until: datetime, open_hold: int, others: int) -> None:
    balance = account(2, 3, until=until, others=4).balance(NOW)
    assert balance == UsageBalance(used=2, held=open_hold, total=2, held_by_others=others)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        (FollowerKey(KeyKind.CAMPAIGN, CAMPAIGN), {"campaignId": CAMPAIGN}),
        (FollowerKey(KeyKind.COUPON, COUPON), {"couponId": COUPON}),
    ],
)
def test_a_new_follower_counts_nothing_and_is_found_by_what_it_follows(
    key: FollowerKey, target: dict[str, str]
) -> None:
    made = new_follower(key, Limits(1, 2, 3), identifier="f" * 24, now=NOW)
    assert made.target == target
    assert made.keys == [FollowerKey(KeyKind.FOLLOWER, made.id), key]
    assert (made.max_limit_in_basket, made.max_total_limit, made.max_limit_per_customer) == (1, 2, 3)
    assert (made.total_usage_count, made.held_count, made.user_count, made.revision) == (0, 0, 0, 0)
    assert made.created_at == made.updated_at == NOW


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        (FollowerChange(max_total_limit=9), Limits(1, 9, 3)),
        (FollowerChange(max_total_limit=None), Limits(1, None, 3)),
        (FollowerChange(max_limit_in_basket=0, max_limit_per_customer=None), Limits(0, 2, None)),
        (Limits(max_total_limit=9), Limits(None, 9, None)),
    ],
)
def test_limits_change_by_name_or_all_at_once(change: Limits | FollowerChange, limits: Limits) -> None:
    before = follower(Limits(1, 2, 3), total_usage_count=7)
    after = change_follower(before, change, now=NOW)
    assert after == replace(before.with_limits(limits), updated_at=NOW, revision=1)


@pytest.mark.parametrize("change", [FollowerChange(), FollowerChange(max_total_limit=2), Limits(1, 2, 3)])
def test_limits_that_are_so_already_change_nothing(change: Limits | FollowerChange) -> None:
    before = follower(Limits(1, 2, 3))
    assert change_follower(before, change, now=NOW) is before


@pytest.mark.parametrize(
    ("amount", "default", "held", "until", "moved"),
    [
        (5, None, 0, LATER, 5),
        (5, None, 2, LATER, 5),
        (None, None, 2, LATER, 2),
        (None, 1, 2, LATER, 2),
        (None, 1, 0, LATER, 1),
        (None, 1, 2, EARLIER, 1),
        (5, None, 2, EARLIER, 5),
    ],
    ids=[
        "amount",
        "amount before hold",
        "hold",
        "hold before default",
        "default",
        "default for an expired hold",
        "both",
    ],
)
def test_a_commit_counts_the_amount_else_the_hold_else_the_default(
    amount: int | None, default: int | None, held: int, until: datetime, moved: int
) -> None:
    before = account(1, held, until=until, others=4, revision=6)
    ((after, move),) = [(one.account, one.move) for one in commit([before], counted(amount, default), now=NOW)]
    assert after.usage == replace(before.usage, used=1 + moved, held=0, hold_expires_at=None)
    assert after.expired == 0
    assert after.follower == replace(
        before.follower, total_usage_count=1 + moved, held_count=4, updated_at=NOW, revision=7
    )
    assert move is not None
    assert (move.amount, move.move, move.sequence, move.user_id) == (moved, Move.ADD, 7, "ada")
    assert (move.follower_id, move.campaign_id, move.coupon_id) == ("f" * 24, CAMPAIGN, None)
    assert (move.by, move.cause, move.at) == ("admin", "a test", NOW)


@pytest.mark.parametrize(
    ("accounts", "amount", "refusal", "binding"),
    [
        ([account(), account(held=2)], None, NoOpenHold, []),
        ([account(held=2, until=EARLIER)], None, NoOpenHold, []),
        ([account(limits=Limits(0)), account()], None, NoOpenHold, []),
        ([account(limits=Limits(0)), account()], 1, UsageLimitReached, [LimitKind.BASKET]),
        (
            [account(), account(1, limits=Limits(None, 1, 1))],
            1,
            UsageLimitReached,
            [LimitKind.CUSTOMER, LimitKind.TOTAL],
        ),
        ([account(limits=Limits(None, 5), others=5)], 1, UsageLimitReached, [LimitKind.TOTAL]),
        ([account(limits=Limits(1)), account(limits=Limits(1))], 2, UsageLimitReached, [LimitKind.BASKET] * 2),
    ],
)
def test_a_commit_counts_on_all_or_on_none(
    accounts: list[UsageAccount], amount: int | None, refusal: type[DomainError], binding: list[LimitKind]
) -> None:
    with pytest.raises(refusal) as raised:
        commit(accounts, counted(amount), now=NOW)
    if isinstance(raised.value, UsageLimitReached):
        assert [limit.kind for _, limit in raised.value.limits] == binding
        assert [shown["kind"] for shown in raised.value.data["limits"]] == [kind.value for kind in binding]  # type: ignore[attr-defined]


def test_the_first_count_of_a_user_makes_them_one_of_its_users() -> None:
    (moved,) = commit([new_account()], counted(2), now=NOW)
    assert (moved.account.is_new, moved.account.follower.user_count, moved.account.usage.used) == (False, 1, 2)
    assert moved.account.snapshot(NOW).usages == (moved.account.usage,)


@pytest.mark.parametrize(
    ("before", "amount", "granted"),
    [
        (account(), 3, 3),
        (account(held=2), 3, 3),
        (account(held=5), 3, 3),
        (account(limits=Limits(2)), 3, 2),
        (account(4, limits=Limits(None, None, 5)), 3, 1),
        (account(limits=Limits(None, 5), others=4), 3, 1),
        (account(held=2, limits=Limits(None, 5), others=2), 5, 3),
        (account(held=2, until=EARLIER, limits=Limits(None, 5)), 9, 5),
        (new_account(), 3, 3),
    ],
)
def test_a_check_puts_what_is_granted_in_place_of_the_hold(before: UsageAccount, amount: int, granted: int) -> None:
    command = CheckUsage(user_id="ada", campaign_id=CAMPAIGN, usage_amount=amount)
    after, grant = hold(before, command, lifetime=LIFETIME, now=NOW)
    assert (grant.granted, bool(grant.limits)) == (granted, granted < amount)
    assert (after.usage.held, after.usage.hold_expires_at, after.usage.used) == (
        granted,
        NOW + LIFETIME,
        before.usage.used,
    )
    assert after.follower.held_count == before.follower.held_count - before.usage.held + granted
    assert (after.expired, after.follower.revision) == (0, before.follower.revision + 1)
    assert grant.snapshot == after.snapshot(NOW)


def test_a_check_that_is_granted_nothing_clears_the_hold_and_makes_no_user() -> None:
    command = CheckUsage(user_id="ada", campaign_id=CAMPAIGN)
    cleared, grant = hold(account(held=2, limits=Limits(0)), command, lifetime=LIFETIME, now=NOW)
    assert (grant.granted, cleared.usage.held, cleared.usage.hold_expires_at) == (0, 0, None)
    nobody = new_account(Limits(0))
    after, grant = hold(nobody, command, lifetime=LIFETIME, now=NOW)
    assert after is nobody
    assert grant.snapshot.usages == ()


@pytest.mark.parametrize(("used", "amount", "moved"), [(5, 2, 2), (5, 5, 5), (5, 9, 5)])
def test_giving_back_leaves_the_hold_and_never_less_than_nothing(used: int, amount: int, moved: int) -> None:
    before = account(used, 2, until=EARLIER, others=1)
    (done,) = give_back([before], GiveBack((KEY,), "ada", amount, "admin"), now=NOW)
    assert done.account.usage == replace(before.usage, used=used - moved)
    assert done.account.expired == before.expired == 2
    assert done.account.follower.total_usage_count == used - moved
    assert done.move is not None
    assert (done.move.amount, done.move.move, done.move.sequence) == (-moved, Move.REMOVE, 1)


@pytest.mark.parametrize("before", [account(), account(held=2), new_account()])
def test_giving_back_what_was_never_used_changes_nothing(before: UsageAccount) -> None:
    (done,) = give_back([before], GiveBack((KEY,), "ada", 1, "admin"), now=NOW)
    assert (done.account, done.move) == (before, None)


def test_a_user_is_enrolled_once_with_a_count_of_nothing() -> None:
    after = enrol(new_account(), now=NOW)
    assert (after.usage.used, after.follower.user_count, after.follower.revision) == (0, 1, 1)
    assert enrol(after, now=LATER) is after


def test_a_sweep_clears_what_has_expired_and_changes_no_balance() -> None:
    before = account(3, 2, until=EARLIER, others=4)
    after = sweep(before, now=NOW)
    assert after.usage == replace(before.usage, held=0, hold_expires_at=None)
    assert (after.follower.held_count, after.expired) == (4, 0)
    assert after.balance(NOW) == before.balance(NOW)
    for alive in (account(3, 2), account(3)):
        assert sweep(alive, now=NOW) is alive


@pytest.mark.parametrize(
    ("shape", "raw", "keys"),
    [
        (CheckUsage, {"userId": "u", "campaignId": CAMPAIGN.upper()}, [KEY]),
        (RedeemUsage, {"userId": "u", "couponId": COUPON}, [FollowerKey(KeyKind.COUPON, COUPON)]),
        (MoveUsage, {"userId": "u", "campaignId": CAMPAIGN}, [KEY]),
        (
            MoveUsage,
            {"userId": "u", "campaignId": [CAMPAIGN, CAMPAIGN], "couponId": COUPON},
            [KEY, FollowerKey(KeyKind.COUPON, COUPON)],
        ),
        (MoveUsages, {"userId": "u", "campaignIds": [CAMPAIGN]}, [KEY]),
        (FindUsageFollower, {"id": COUPON}, [FollowerKey(KeyKind.FOLLOWER, COUPON)]),
        (FindUsageFollower, {"campaignId": CAMPAIGN}, [KEY]),
    ],
)
def test_a_command_names_its_followers(shape: Any, raw: dict[str, Any], keys: list[FollowerKey]) -> None:
    command = parse(shape, raw)
    assert list(command.keys if isinstance(command, MoveUsage) else [command.key]) == keys


@pytest.mark.parametrize(
    ("shape", "raw", "faults"),
    [
        (CreateUsageFollower, {}, ["Give exactly one of couponId and campaignId"]),
        (CheckUsage, {"couponId": COUPON, "campaignId": CAMPAIGN}, ["userId is required", "Give exactly one of"]),
        (FindUsageFollower, {"id": COUPON, "couponId": COUPON}, ["Give exactly one of id and couponId and campaignId"]),
        (MoveUsage, {"userId": "u"}, ["campaignId or couponId is required"]),
        (MoveUsages, {"userId": "u"}, ["campaignIds or couponId is required"]),
        (MoveUsage, {"userId": "u", "campaignId": "x"}, ["campaignId must be a valid ObjectId"]),
        (RedeemUsage, {"userId": "u", "couponId": COUPON, "usageAmount": 0}, ["usageAmount must be at least 1"]),
        (FollowerChange, {"maxTotalLimit": -1, "x": 1}, ["x is not a known field", "maxTotalLimit must be at least 0"]),
    ],
)
def test_every_fault_of_a_command_is_said_at_once(shape: Any, raw: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(shape, raw)
    said = [fault.message for fault in raised.value.faults]
    assert len(said) == len(faults)
    assert all(message.startswith(fault) for message, fault in zip(said, faults, strict=True))


OF_VIEWER, OF_SUPPORT = (Principal(key=ActingKey("a", role)) for role in (Role.VIEWER, Role.SUPPORT))
ADA, NOBODY, EXPIRED = Principal(user_id="ada"), Principal(), Principal(refusal=Forbidden("expired"))
WHOLE, BROKEN = {"userId": "ada", "campaignId": CAMPAIGN}, {"userId": "ada", "campaignId": "x"}


@pytest.mark.parametrize(
    ("caller", "raw", "refusal"),
    [
        (NOBODY, WHOLE, Unauthenticated),
        (NOBODY, BROKEN, Unauthenticated),
        (EXPIRED, BROKEN, Forbidden),
        (ADA, WHOLE, None),
        (ADA, WHOLE | {"userId": " ada\u200b"}, None),
        (ADA, BROKEN, InvalidInput),
        (ADA, WHOLE | {"userId": "bob"}, Forbidden),
        (ADA, BROKEN | {"userId": "bob"}, Forbidden),
        (ADA, BROKEN | {"userId": "bob\x00"}, Forbidden),
        (ADA, {"campaignId": CAMPAIGN}, InvalidInput),
        (ADA, WHOLE | {"userId": " "}, InvalidInput),
        (ADA, WHOLE | {"userId": 5}, InvalidInput),
        (SYSTEM, WHOLE, None),
        (SYSTEM, BROKEN | {"userId": "bob"}, InvalidInput),
        (OF_SUPPORT, WHOLE, None),
        (OF_SUPPORT, {"campaignId": CAMPAIGN}, InvalidInput),
        (OF_VIEWER, WHOLE, Forbidden),
        (OF_VIEWER, BROKEN, Forbidden),
        (OF_VIEWER, {"campaignId": CAMPAIGN}, Forbidden),
    ],
)
def test_who_may_act_is_judged_before_what_was_sent(
    caller: Principal, raw: dict[str, Any], refusal: type[DomainError] | None
) -> None:
    sent = read_for_user(CheckUsage, raw)
    if refusal is None:
        assert accept(caller, sent, Role.SUPPORT) is sent
        return
    with pytest.raises(refusal):
        accept(caller, sent, Role.SUPPORT)
    assert isinstance(sent, RefusedCommand) == (raw["campaignId"] == "x" or raw.get("userId", 5) in (5, " "))


@pytest.mark.parametrize(
    ("amount", "added", "redeemed", "given_back"), [(None, (None, None), (None, 1), 1), (4, (4, None), (4, 1), 4)]
)
def test_what_an_amount_that_is_not_given_means_differs_by_verb(
    amount: int | None, added: tuple[Any, ...], redeemed: tuple[Any, ...], given_back: int
) -> None:
    several = MoveUsage(user_id="ada", campaign_ids=(CAMPAIGN,), usage_amount=amount)
    one = RedeemUsage(user_id="ada", campaign_id=CAMPAIGN, usage_amount=amount)
    count, redemption = several.commit("ada", "an event"), one.commit("ada")
    assert (count.amount, count.default, count.move, count.cause) == (*added, Move.ADD, "an event")
    assert (redemption.amount, redemption.default, redemption.move, redemption.cause) == (*redeemed, Move.REDEEM, None)
    assert several.give_back("ada").amount == given_back
