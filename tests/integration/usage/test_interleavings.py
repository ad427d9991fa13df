"""Ten thousand random commands, many at once, against a model of a few lines: every answer and every count agrees."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from pymongo import MongoClient

from models.inputs import parse
from models.principal import SYSTEM
from models.usage.commands import (
    CheckUsage,
    CreateUsageFollower,
    FindAvailability,
    FollowerChange,
    MoveUsage,
    RedeemUsage,
    UpdateUsageFollower,
)
from models.usage.follower import FollowerKey, Grant, KeyKind, NoOpenHold, UsageLimitReached, UsageSnapshot
from services.migrations.runner import migrate
from services.registry import Services
from tests.support.api import MONGO_DRIVER
from tests.support.uris import with_database
from tests.support.usage import new_id

HOLD = 60
EXAMPLES, STEPS = 40, 25
USERS = ("a.b", "$inc", "c", "é")
LIMIT_NAMES = ("maxLimitInBasket", "maxLimitPerCustomer", "maxTotalLimit")
FOLLOWERS = range(3)

Command: TypeAlias = tuple[str, str, tuple[int, ...], int | None]

commands = st.lists(
    st.tuples(
        st.sampled_from(("check", "add", "add", "remove", "redeem")),
        st.sampled_from(USERS),
        st.lists(st.sampled_from(FOLLOWERS), min_size=1, max_size=3, unique=True).map(tuple),
        st.one_of(st.none(), st.integers(1, 6)),
    ),
    min_size=20,
    max_size=60,
)
limits = st.one_of(st.none(), st.integers(0, 12))


class Model:
    """One follower as its document describes it."""

    def __init__(self) -> None:
        self.limits: dict[str, int | None] = dict.fromkeys(LIMIT_NAMES)
        self.used = dict.fromkeys(USERS, 0)
        self.holds: dict[str, tuple[int, datetime]] = {}

    @property
    def total(self) -> int:
        return sum(self.used.values())

    def held(self, user: str, now: datetime) -> int:
        amount, expires_at = self.holds.get(user, (0, now))
        return amount if expires_at > now else 0

    def left(self, user: str, now: datetime) -> dict[str, int]:
        others = sum(self.held(other, now) for other in USERS if other != user)
        taken = dict(zip(LIMIT_NAMES, (0, self.used[user], self.total + others), strict=True))
        return {name: max(0, limit - taken[name]) for name, limit in self.limits.items() if limit is not None}


class World:
    """The real thing with a clock of its own, and the model beside it."""

    def __init__(self, services: Services, run: Callable[[Any], Any]) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.services = services
        self.run = run
        self.done = 0


def named(world: "Machine", followers: tuple[int, ...]) -> dict[str, Any]:
    """The first two followers are those of campaigns, the last is a coupon's."""
    campaigns = [world.ids[n] for n in followers if n < 2]
    return ({"campaignId": campaigns} if campaigns else {}) | ({"couponId": world.ids[2]} if 2 in followers else {})


class Machine(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.ids = [new_id() for _ in FOLLOWERS]
        self.models = [Model() for _ in FOLLOWERS]
        self.raw_ids: list[str] = []
        for n in FOLLOWERS:
            made = self.world.run(self.world.services.usage.create(SYSTEM, parse(CreateUsageFollower, self.target(n))))
            self.raw_ids.append(made.follower.id)

    def target(self, n: int) -> dict[str, Any]:
        return {"couponId" if n == 2 else "campaignId": self.ids[n]}

    @rule(given=commands)
    def act(self, given: list[Command]) -> None:
        """Send all at once; a process decides commands in the order in which they came."""
        self.send_all(given)

    @rule(given=commands)
    def act_again(self, given: list[Command]) -> None:
        """The same rule once more, so that commands come more often than anything else."""
        self.send_all(given)

    @rule(given=commands)
    def act_once_more(self, given: list[Command]) -> None:
        self.send_all(given)

    def send_all(self, given: list[Command]) -> None:
        async def send() -> list[Any]:
            return await asyncio.gather(*map(self.send, given), return_exceptions=True)

        for command, answer in zip(given, self.world.run(send()), strict=True):
            self.world.done += 1
            self.expect(command, answer)

    @rule(seconds=st.integers(1, 2 * HOLD))
    def let_time_pass(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule(n=st.sampled_from(FOLLOWERS), name=st.sampled_from(LIMIT_NAMES), limit=limits)
    def limit(self, n: int, name: str, limit: int | None) -> None:
        self.models[n].limits[name] = limit
        key = FollowerKey(KeyKind.FOLLOWER, self.raw_ids[n])
        command = UpdateUsageFollower(key, parse(FollowerChange, {name: limit}))
        self.world.run(self.world.services.usage.update(SYSTEM, command))

    @rule()
    def sweep(self) -> None:
        self.world.run(self.world.services.usage.sweep())

    @invariant()
    def every_count_agrees(self) -> None:
        async def ask() -> list[Any]:
            usage = self.world.services.usage
            asked = [(n, user) for n in FOLLOWERS for user in USERS]
            return await asyncio.gather(
                *(
                    usage.find_availability(SYSTEM, parse(FindAvailability, {"userId": user} | self.target(n)))
                    for n, user in asked
                )
            )

        answers = iter(self.world.run(ask()))
        for model in self.models:
            for user in USERS:
                found = next(answers)
                assert (found.used, found.held) == (model.used[user], model.held(user, self.world.now))
                assert found.total_usage_count == model.total
                assert found.available == min(model.left(user, self.world.now).values(), default=None)

    async def send(self, command: Command) -> Any:
        verb, user, followers, amount = command
        usage = self.world.services.usage
        about: dict[str, Any] = {"userId": user} | ({} if amount is None else {"usageAmount": amount})
        match verb:
            case "check":
                return await usage.check(SYSTEM, parse(CheckUsage, about | self.target(followers[0])))
            case "redeem":
                return await usage.redeem(SYSTEM, parse(RedeemUsage, about | self.target(followers[0])))
            case "add":
                return await usage.add(SYSTEM, parse(MoveUsage, about | named(self, followers)))
            case _:
                return await usage.remove(SYSTEM, parse(MoveUsage, about | named(self, followers)))

    def expect(self, command: Command, answer: Any) -> None:
        verb, user, followers, amount = command
        models = [self.models[n] for n in (followers if verb in ("add", "remove") else followers[:1])]
        match verb:
            case "check":
                (model,), wanted = models, amount or 1
                granted = min([wanted, *model.left(user, self.world.now).values()])
                model.holds[user] = (granted, self.world.now + timedelta(seconds=HOLD))
                assert isinstance(answer, Grant)
                assert answer.granted == granted
            case "remove":
                for model in models:
                    model.used[user] = max(0, model.used[user] - (amount or 1))
                assert isinstance(answer, tuple)
            case _:
                self.expect_commit(models, user, amount, 1 if verb == "redeem" else None, answer)

    def expect_commit(
        self, models: list[Model], user: str, amount: int | None, default: int | None, answer: Any
    ) -> None:
        now = self.world.now
        amounts = [amount or model.held(user, now) or default for model in models]
        if None in amounts:
            assert isinstance(answer, NoOpenHold)
            return
        wanted = [(model, number or 0) for model, number in zip(models, amounts, strict=True)]
        binding = sum(left < number for model, number in wanted for left in model.left(user, now).values())
        if binding:
            assert isinstance(answer, UsageLimitReached)
            assert len(answer.limits) == binding
            return
        for model, number in wanted:
            model.used[user] += number
            model.holds.pop(user, None)
        assert isinstance(answer, tuple | UsageSnapshot)


@pytest.mark.timeout(900)
def test_ten_thousand_commands_at_random_agree_with_the_model(mongo_uri: str) -> None:
    name = f"test_{uuid4().hex[:16]}"
    with asyncio.Runner() as runner:

        async def open_services() -> Services:
            uri = with_database(mongo_uri, name)
            opened = Services.open(
                mongo_uri=uri, database_name=name, mongo_driver=MONGO_DRIVER, usage_hold=HOLD, clock=lambda: world.now
            )
            await migrate(opened.database)
            return opened

        async def close_services() -> None:
            await world.services.database.client.drop_database(name)
            await world.services.close()

        world = World(None, runner.run)  # type: ignore[arg-type]  # its clock is needed to open them
        world.services = runner.run(open_services())
        try:
            machine = type("UsageMachine", (Machine,), {"world": world})
            quick = settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            while world.done < 10_000:  # How many commands an example holds is left to chance.
                run_state_machine_as_test(machine, settings=quick)
            report = runner.run(world.services.audit.audit(SYSTEM))
            assert report.drift_count == 0
        finally:
            runner.run(close_services())
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        assert name not in client.list_database_names()
