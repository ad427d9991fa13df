"""Hits that workers reserve ahead: never one more than the limit is admitted, and none fewer once all is given back."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from hypothesis import example, given
from hypothesis import strategies as st

from services.kit.windows.reservations import AHEAD, PART, Block, Reservations

CLIENT = "192.0.2.1"
WINDOW, ENDS = datetime(2026, 1, 1, tzinfo=UTC), 900.0
WORKERS = 3
Step: TypeAlias = tuple[Literal["hit", "busy hit", "give back", "kill"], int, int]

STEPS = st.tuples(
    st.sampled_from(["hit", "busy hit", "give back", "kill"]), st.integers(0, WORKERS - 1), st.integers(1, 9)
)
WITHOUT_KILLS = STEPS.filter(lambda step: step[0] != "kill")


class World:
    """Workers over the row of one client, whose count is what MongoDB would make of it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.admitted = 0
        self.workers = [Reservations(limit) for _ in range(WORKERS)]

    def run(self, steps: Sequence[Step]) -> None:
        for what, place, number in steps:
            if what == "kill":
                self.workers[place] = Reservations(self.limit)
            elif what == "give back":
                self.give_back(self.workers[place])
            else:
                self.hit(self.workers[place], number, busy=what == "busy hit")
            assert self.admitted <= self.count <= self.limit

    def hit(self, worker: Reservations, hits: int, *, busy: bool) -> None:
        while hits and worker.take(CLIENT, 0) is not None:
            self.admitted += 1
            hits -= 1
        if hits:
            ahead = worker.ahead(CLIENT, hits, 0) if busy else 0
            before, self.count = self.count, min(self.limit, self.count + hits + ahead)
            used = min(self.count, before + hits)
            self.admitted += used - before
            worker.keep(CLIENT, Block(used, self.count, WINDOW, ENDS), ahead=ahead > 0)

    def give_back(self, worker: Reservations) -> None:
        self.count -= sum(unused.number for unused in worker.give_back([CLIENT], 0))


@given(st.integers(1, 400), st.lists(STEPS, max_size=60))
def test_never_one_more_than_the_limit_is_admitted_whoever_is_killed(limit: int, steps: list[Step]) -> None:
    World(limit).run(steps)


@given(st.integers(1, 400), st.lists(WITHOUT_KILLS, max_size=60))
@example(100, [("busy hit", 0, 1), ("busy hit", 1, 1), ("hit", 2, 9)])
def test_what_is_given_back_is_admitted_to_the_last_hit_by_any_worker(limit: int, steps: list[Step]) -> None:
    world = World(limit)
    world.run(steps)
    for worker in world.workers:
        world.give_back(worker)
        assert not worker
    assert world.admitted == world.count
    for _ in range(2 * limit):
        world.hit(world.workers[-1], 1, busy=False)
    assert world.admitted == limit


def test_a_worker_reserves_a_part_of_what_a_client_has_left_and_none_near_the_limit() -> None:
    worker = Reservations(10_000)
    assert worker.ahead(CLIENT, 1, 0) == AHEAD
    assert worker.ahead(CLIENT, 32, 0) == (10_000 - 32) // PART
    worker.keep(CLIENT, Block(10_000 - PART, 10_000 - PART, WINDOW, ENDS), ahead=False)
    assert worker.ahead(CLIENT, 1, 0) == 0
    assert worker.ahead(CLIENT, 1, ENDS + 1) == AHEAD


def test_numbers_are_taken_in_order_and_never_beyond_their_window() -> None:
    worker = Reservations(100)
    worker.keep(CLIENT, Block(1, 3, WINDOW, ENDS), ahead=True)
    assert worker.take(CLIENT, ENDS) is None
    taken = [worker.take(CLIENT, 0) for _ in range(3)]
    assert [hit and hit.number for hit in taken] == [2, 3, None]


def test_what_has_ended_is_not_given_back() -> None:
    worker = Reservations(100)
    worker.keep(CLIENT, Block(1, 3, WINDOW, ENDS), ahead=True)
    assert worker.give_back([CLIENT, "192.0.2.2"], ENDS) == []
    assert not worker


def test_of_many_clients_the_latest_are_remembered_and_what_the_others_had_is_given_back() -> None:
    worker = Reservations(100, capacity=2)
    for address in "abc":
        worker.keep(address, Block(1, 5, WINDOW, ENDS), ahead=True)
    assert [worker.knows(address, 0) for address in "abc"] == [False, True, True]
    assert worker.take("a", 0) is None
    assert [(unused.address, unused.number) for unused in worker.give_back([], 0)] == [("a", 4)]
    assert worker.oldest(5) == ["b", "c"]
