"""A schema in which everything goes wrong now and then, the same way for the same seed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Annotated, Any, Generic, NewType, TypeVar, cast

import strawberry
from graphql import GraphQLError

from graphql_engine.engine import Engine
from models.errors import Conflict as ConflictError
from models.errors import NotFound as NotFoundError
from models.principal import Principal
from resolvers.problems import PROBLEM_HANDLERS
from schema.problems import Conflict, InvalidInput, NotFound
from schema.relay import Connection
from schema.scalars import SCALARS, BigInt
from server.graphql.engine import TesseraEngine
from server.metrics.api import Ended

Item = TypeVar("Item")
Answer = TypeVar("Answer")


async def _later(value: Any, steps: int = 1) -> Any:
    for _ in range(steps):
        await asyncio.sleep(0)
    if isinstance(value, Exception):
        raise value
    return value


def _odd(value: Any) -> Any:
    """What a scalar should not do: raise, answer nothing, or answer something to be awaited."""
    if value == "raise":
        raise ValueError("an odd value")
    if value == "await":
        return _later("awaited oddity")
    if value == "await and raise":
        return _later(ValueError("an odd future"))
    return None if value == "nothing" else value


Odd = NewType("Odd", object)
ODD = strawberry.scalar(name="Odd", serialize=_odd, parse_value=lambda value: value)


@dataclass
class Context:
    """`calls` is what the resolvers were called with, in the order in which they were."""

    seed: int
    calls: list[str] = field(default_factory=list)
    principal: Principal = field(default_factory=Principal)
    refused: str | None = None
    ended: Ended | None = None
    request_id: str = "request"


Info = strawberry.Info[Context, None]


class Chance:
    """Decides what goes wrong at one place; `share` is how much does."""

    def __init__(self, *place: Any, share: float = 0.25) -> None:
        self.random = Random(repr(place))
        self.share = share

    def value(self, make: Callable[[], Answer]) -> Answer:
        """A good value, or one of the many that are not."""
        if self.random.random() > self.share:
            return make()
        bad: list[Callable[[], Any]] = [
            lambda: None, lambda: "text", lambda: "", lambda: True, lambda: 7, lambda: 2**40, lambda: 1.5, lambda: 2.0,
            lambda: float("nan"), list, dict, lambda: [None], lambda: ["a", None, 3], lambda: (1, "b"), object,
            lambda: {"name": "a mapping", "id": "m"}, lambda: RuntimeError("an exception as a value"), lambda: b"bytes",
            lambda: _later(make()), lambda: _later(None), lambda: _later(ValueError("a late fault")), lambda: iter([1]),
            lambda: [_later(make()), make(), _later(KeyError("item"))], lambda: _items(make), lambda: Decimal("1.50"),
            lambda: datetime(2024, 1, 2, tzinfo=UTC), lambda: Colour.RED, lambda: "RED", lambda: "raise",
            lambda: "nothing", lambda: "await", lambda: "await and raise", lambda: strawberry.UNSET, lambda: {1, 2},
            lambda: GraphQLError("a fault that says more", extensions={"code": "SAID"}),
            lambda: NotFound(code="NOT_FOUND", message="a problem"),
        ]  # fmt: skip
        # The first nine are what goes wrong most often: a null, a wrong class, a number out of range.
        return cast("Answer", self.random.choice(bad[:9] if self.random.random() < 0.5 else bad)())

    def answer(self, make: Callable[[], Answer]) -> Answer:
        """As `value`, or it raises."""
        if self.random.random() < self.share / 2:
            faults = [
                ValueError("a fault"),
                KeyError("a key"),
                KeyError("a key that is declined"),
                LookupError("a look-up"),
                NotFoundError("Not here"),
                ConflictError("Taken"),
                GraphQLError("a located fault", path=["else", "where"]),
                GraphQLError("a plain fault"),
            ]
            raise self.random.choice(faults)
        return self.value(make)

    @property
    def steps(self) -> int:
        return self.random.randrange(4)


async def _items(make: Callable[[], Any]) -> AsyncIterator[Any]:
    yield make()
    yield await _later(make())


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = strawberry.enum_value("blue", name="AZURE")


@strawberry.interface
class Named:
    id: strawberry.ID
    name: str


@strawberry.type
class Thing(Named):
    seed: strawberry.Private[Any]
    nick: str | None
    size: int
    ratio: float | None
    good: bool
    colour: Colour
    shade: Colour | None
    made: datetime
    price: Decimal | None
    big: BigInt
    odd: Odd | None
    tags: list[str]
    notes: list[str | None] | None
    grid: list[list[int | None]] | None
    moments: list[datetime]

    @strawberry.field
    def plain(self, text: str = "none", count: int | None = None, colours: list[Colour] | None = None) -> str | None:
        return Chance(self.seed, "plain").answer(lambda: f"{text} {count} {colours}")

    @strawberry.field
    async def strict(self, info: Info, odd: Odd | None = strawberry.UNSET) -> str:
        noted(info, odd)
        return await answered(info, lambda: f"{odd}")

    @strawberry.field
    def maybe_later(self, info: Info) -> list[int] | None:
        chance = chance_of(info)
        return cast("list[int] | None", chance.answer(lambda: _later([1, 2], chance.steps)))

    @strawberry.field
    async def friend(self, info: Info) -> "Thing | None":
        noted(info)
        return await answered(info, lambda: thing(info))

    @strawberry.field
    async def best_friend(self, info: Info) -> "Thing":
        noted(info)
        return await answered(info, lambda: thing(info))

    @strawberry.field
    def children(self, info: Info, first: int = 2) -> "list[Thing]":
        noted(info, first)
        return chance_of(info).answer(lambda: [thing(info, number) for number in range(min(max(first, 0), 3))])

    @strawberry.field
    async def others(self, info: Info) -> "list[Named | None]":
        noted(info)
        return await answered(info, lambda: [chance_of(info, n).value(lambda: named(info)) for n in range(3)])


@strawberry.type
class Pet(Named):
    legs: int
    owner: Thing | None


@strawberry.type
class Stone:
    weight: Decimal


@strawberry.type
class Box(Generic[Item]):
    content: Item
    contents: list[Item]


@strawberry.type
class ThingConnection(Connection[Thing]):
    pass


class Special(Thing):
    """Not known to the schema, but as good as a thing."""


@strawberry.input
class Inner:
    text: str
    colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.GREEN])
    odd: Odd | None = None


@strawberry.input
class Given:
    count: int
    name: str | None = strawberry.UNSET
    colour: Colour = Colour.RED
    inner: Inner | None = None
    inners: list[Inner] | None = strawberry.UNSET
    when: datetime | None = None
    price: Decimal | None = None
    limit: strawberry.Maybe[int]


Anything = Annotated[Thing | Pet | Stone, strawberry.union("Anything")]
Outcome = Annotated[Thing | NotFound | Conflict | InvalidInput, strawberry.union("Outcome")]
Boxed = Annotated[Box[int] | Box[str] | Stone, strawberry.union("Boxed")]


def place(info: Info) -> str:
    return ".".join(map(str, info.path.as_list()))


def chance_of(info: Info, *more: Any) -> Chance:
    return Chance(info.context.seed, place(info), *more)


def noted(info: Info, *given: Any) -> None:
    """Note the call, and what the resolver was told of it."""
    raw = info._raw_info
    told = (info.field_name, info.python_name, str(raw.return_type), str(raw.parent_type), info.variable_values)
    info.context.calls.append(f"{place(info)} {given!r} {told!r} {[str(one) for one in info.selected_fields]}")


async def answered(info: Info, make: Callable[[], Answer]) -> Answer:
    chance = chance_of(info)
    for _ in range(chance.steps):
        await asyncio.sleep(0)
    return chance.answer(make)


def thing(info: Info, *more: Any) -> Thing:
    chance = chance_of(info, "thing", *more)
    good: dict[str, Callable[[], Any]] = {
        "id": lambda: "1", "name": lambda: "a name", "seed": lambda: (info.context.seed, place(info), more),
        "nick": lambda: None, "size": lambda: 3, "ratio": lambda: 0.5, "good": lambda: True,
        "colour": lambda: Colour.BLUE, "shade": lambda: None, "made": lambda: datetime(2024, 5, 6, tzinfo=UTC),
        "price": lambda: Decimal("19.90"), "big": lambda: BigInt(2**60), "odd": lambda: {"a": [1]},
        "tags": lambda: ["a", "b"], "notes": lambda: ["a", None], "grid": lambda: [[1, None], [], (2,)],
        "moments": lambda: [datetime(2024, 5, 6, tzinfo=UTC)],
    }  # fmt: skip
    # A thing has seventeen attributes, so that each goes wrong more rarely than a field does.
    chance.share /= 2
    kind = chance.random.choice([Thing] * 9 + [Special])
    made = kind(**{name: make() if name == "seed" else chance.value(make) for name, make in good.items()})
    if chance.random.random() < chance.share:
        # A dataclass that has lost an attribute: reading it raises.
        delattr(made, chance.random.choice([name for name in good if name != "seed"]))
    return made


def named(info: Info) -> Any:
    chance = chance_of(info, "named")
    makers: list[Callable[[], Any]] = [
        lambda: thing(info),
        lambda: Pet(id=strawberry.ID("p"), name="pet", legs=chance.value(lambda: 4), owner=chance.value(lambda: None)),
        lambda: strawberry.cast(Pet, type("Row", (), {"id": 5, "name": "row", "legs": 6, "owner": None})()),
        lambda: strawberry.cast(Pet, thing(info)),
        lambda: Stone(weight=Decimal(1)),
    ]
    return chance.random.choice(makers)()


def connection(info: Info) -> ThingConnection:
    from models.pagination import Edge, KeysetOrder, Slice

    chance = chance_of(info, "connection")
    edges = [Edge(n, KeysetOrder("numbers", ()), [n]) for n in range(chance.random.randrange(3))]
    page = Slice(edges=edges, has_next=True, has_previous=False)
    return ThingConnection.of(page, lambda n: thing(info, n), lambda: chance.value(lambda: _later(5)))


@strawberry.type
class Query:
    @strawberry.field
    async def thing(self, info: Info, id: strawberry.ID | None = None) -> Thing | None:  # noqa: A002
        noted(info, id)
        return await answered(info, lambda: thing(info))

    @strawberry.field
    async def sure_thing(self, info: Info) -> Thing:
        noted(info)
        return await answered(info, lambda: thing(info))

    @strawberry.field
    def things(
        self, info: Info, ids: list[strawberry.ID] | None = None, count: int = 2
    ) -> Sequence[Thing | None] | None:
        noted(info, ids, count)
        return chance_of(info).answer(lambda: [thing(info, n) for n in range(min(max(count, 0), 4))])

    @strawberry.field
    async def sure_things(self, info: Info, colour: Colour = Colour.GREEN) -> list[Thing]:
        noted(info, colour)
        return await answered(info, lambda: [thing(info, 1), thing(info, 2)])

    @strawberry.field
    async def named(self, info: Info) -> Named | None:
        return await answered(info, lambda: named(info))

    @strawberry.field
    def anything(self, info: Info) -> list[Anything]:
        noted(info)
        return chance_of(info).answer(lambda: [named(info), Stone(weight=Decimal("2.5"))])

    @strawberry.field
    async def boxed(self, info: Info) -> Boxed | None:
        boxes: list[Callable[[], Any]] = [
            lambda: Box(content=1, contents=[1, 2]),
            lambda: Box(content="a", contents=["b"]),
            lambda: Stone(weight=Decimal(3)),
        ]
        return await answered(info, chance_of(info, "box").random.choice(boxes))

    @strawberry.field
    async def outcome(self, info: Info, given: Given) -> Outcome:
        noted(info, given)
        return await answered(info, lambda: thing(info))

    @strawberry.field
    def outcome_now(self, info: Info, given: Given | None = None) -> Outcome | None:
        noted(info, given)
        return chance_of(info).answer(lambda: thing(info))

    @strawberry.field
    async def connection(self, info: Info, first: int | None = None, after: str | None = None) -> ThingConnection:
        noted(info, first, after)
        return await answered(info, lambda: connection(info))

    @strawberry.field
    def later(self, info: Info) -> str:
        return cast("str", _later("later", chance_of(info).steps))

    @strawberry.field
    def echo(self, given: Given, root: strawberry.Parent[Any], odds: list[Odd] | None = None) -> str:
        return f"{given} {root} {odds}"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self, info: Info, given: Given, note: str = "none") -> Outcome | None:
        noted(info, given, note)
        return await answered(info, lambda: thing(info))

    @strawberry.mutation
    async def surely_change(self, info: Info, count: int = 1) -> Thing:
        noted(info, count)
        return await answered(info, lambda: thing(info))

    @strawberry.mutation
    def change_now(self, info: Info, colours: list[Colour] | None = None) -> Thing | None:
        noted(info, colours)
        return chance_of(info).answer(lambda: thing(info))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def countdown(self, start: int = 2) -> AsyncIterator[int]:
        yield start


class KeyHandler(strawberry.ExceptionHandler[KeyError, Conflict]):
    """Answers some, declines others, fails at none."""

    def handle(self, exception: KeyError, **_: Any) -> Any:
        if "declined" in str(exception):
            return None
        return _later(Conflict(code="NOT_FOUND", message="a key"))


class LookupHandler(strawberry.ExceptionHandler[LookupError, NotFound]):
    """Comes after the one above, and fails itself."""

    def handle(self, exception: LookupError, **_: Any) -> Any:
        raise ValueError("the handler failed")


def faulty_schema() -> Engine:
    return TesseraEngine(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Pet],
        exception_handlers=(*PROBLEM_HANDLERS, KeyHandler(), LookupHandler()),
        scalars={**SCALARS, Odd: ODD},
    )
