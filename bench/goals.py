"""The goals, and whether what was measured in this run meets them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from bench.events import EventRates
from bench.growth import Grown
from bench.scenarios import ALONE, LIMITED, TWO_WORKERS
from bench.side_by_side import Measured

EXPRESS, FASTIFY, APOLLO, MERCURIUS = "Express + mongoose", "fastify", "Apollo", "mercurius JIT"
GET, GET_FROM, LIST = "REST get", "REST get, from 10,000 addresses", "GraphQL list of 20 × 10"
SPREAD, HOT = "redeem, spread over 49 coupons", "redeem, all on one coupon"
RARE = "coupons: search for a rare part"


def _ratio(one: float, other: float) -> float:
    """Infinite where the other came to nothing, as on a machine with much else to do."""
    return one / other if other else inf


@dataclass(frozen=True, slots=True)
class Figures:
    """All that a run has measured; `generated` are access codes a second."""

    measured: Sequence[Measured]
    events: EventRates
    grown: Sequence[Grown]
    generated: float

    def of(self, scenario: str, server: str = "Tessera") -> Measured:
        return next(m for m in self.measured if (m.scenario, m.server) == (scenario, server))

    def quicker(self, scenario: str, *peers: str) -> float:
        """How many times as many requests a second we answer as the quickest of these peers."""
        return _ratio(self.of(scenario).rate, max(self.of(scenario, peer).rate for peer in peers))

    def share(self, scenario: str, server: str) -> float:
        """How much of the rate this server of ours keeps."""
        return _ratio(self.of(scenario, server).rate, self.of(scenario).rate)

    def spread(self, scenario: str) -> float:
        """The 99th percentile as so many times the median."""
        return _ratio(self.of(scenario).p99, self.of(scenario).p50)

    def alone(self, scenario: str, *peers: str) -> float:
        """The median of one client alone as so many times that of the quickest of these peers."""
        name = scenario + ALONE
        return _ratio(self.of(name).p50, min(self.of(name, peer).p50 for peer in peers))

    def growth(self, verb: str) -> Grown:
        return next(grown for grown in self.grown if grown.verb == verb)


@dataclass(frozen=True, slots=True)
class Goal:
    """One bound of one row."""

    row: str
    what: str
    bound: float
    figure: Callable[[Figures], float]
    is_least: bool = True

    def shown(self, figures: Figures) -> tuple[str, ...]:
        figure = self.figure(figures)
        holds = figure >= self.bound if self.is_least else figure <= self.bound
        bound = f"{'≥' if self.is_least else '≤'} {self.bound:,g}"
        return self.row, f"{bound} {self.what}", f"{figure:,.2f}", "holds" if holds else "**does not hold**"


def _at_most(row: str, what: str, bound: float, figure: Callable[[Figures], float]) -> Goal:
    return Goal(row, what, bound, figure, is_least=False)


GOALS = (
    Goal("REST get", "× Express", 3.2, lambda f: f.quicker(GET, EXPRESS)),
    Goal("", "× fastify", 2, lambda f: f.quicker(GET, FASTIFY)),
    _at_most("rate limit, one address", "of REST get", 0.15, lambda f: 1 - f.share(GET, LIMITED)),
    _at_most("rate limit, 10,000 addresses", "of REST get", 0.3, lambda f: 1 - f.share(GET_FROM, LIMITED)),
    Goal("GraphQL get", "of our REST", 0.85, lambda f: _ratio(f.of("GraphQL get").rate, f.of(GET).rate)),
    Goal("", "× mercurius JIT", 1.8, lambda f: f.quicker("GraphQL get", MERCURIUS)),
    Goal("GraphQL list of 20 × 10", "× mercurius JIT", 1.3, lambda f: f.quicker(LIST, MERCURIUS)),
    Goal("redeem spread", "× the best peer", 5, lambda f: f.quicker(SPREAD, EXPRESS, FASTIFY)),
    _at_most("", "× p50 is p99", 1.5, lambda f: f.spread(SPREAD)),
    Goal("redeem hot", "× the best peer that loses nothing", 8, lambda f: f.quicker(HOT, FASTIFY)),
    Goal("", "× the best that does", 5.5, lambda f: f.quicker(HOT, EXPRESS)),
    _at_most("", "× p50 is p99", 1.5, lambda f: f.spread(HOT)),
    Goal(
        "redeem by GraphQL",
        "of REST",
        0.9,
        lambda f: _ratio(f.of("redeem by GraphQL, all on one coupon").rate, f.of(HOT).rate),
    ),
    _at_most("one client alone: REST get", "of the quickest peer's p50", 1, lambda f: f.alone(GET, EXPRESS, FASTIFY)),
    _at_most("GraphQL get", "of the quickest peer's p50", 1, lambda f: f.alone("GraphQL get", APOLLO, MERCURIUS)),
    _at_most("redeem", "of the quickest exact peer's p50", 1, lambda f: f.alone("redeem", FASTIFY)),
    _at_most(
        "redeem by GraphQL",
        "of the quickest exact peer's p50",
        1,
        lambda f: f.alone("redeem by GraphQL", APOLLO, MERCURIUS),
    ),
    Goal("two workers, one hot coupon", "of one worker", 1, lambda f: f.share(HOT, TWO_WORKERS)),
    Goal("two workers, spread", "of one worker", 1.3, lambda f: f.share(SPREAD, TWO_WORKERS)),
    _at_most("search for a rare part at the most coupons", "ms", 2, lambda f: f.growth(RARE).large),
    _at_most("", "× of the fewest", 2, lambda f: f.growth(RARE).ratio),
    Goal("tessera codes generate", "codes a second", 10_000, lambda f: f.generated),
    Goal("payments into orders", "× one by one", 15, lambda f: _ratio(f.events.batched, f.events.single)),
    Goal("relay", "events a second", 8_000, lambda f: f.events.relayed),
)


def goals_table(figures: Figures) -> list[tuple[str, ...]]:
    """A row for each bound: what is measured, the goal, the figure, and whether it holds."""
    return [goal.shown(figures) for goal in GOALS]
