"""What one worker may admit without asking: hits of a window that it has had counted before they come.

A hit is admitted only under a number that the window's row has counted for this worker, and each number serves one hit.
The row never counts beyond the limit, so never is one more admitted, whatever other workers do, whenever this one is
killed. What is reserved and never used would refuse a client too early, so it is given back: when the worker has less
to do, and when another asks for it. Nothing here waits, reads a clock or knows of MongoDB.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

AHEAD = 64
"""How many hits are reserved for each that comes,"""
PART = 16
"""but one in so many of those that a client has left at most."""
CAPACITY = 20_000
"""Of how many clients a worker remembers the windows: some 10 MB."""


class Hit(NamedTuple):
    """The number of a hit in its window, which ends at this time of the event loop."""

    number: int
    window_ends: float


@dataclass(slots=True)
class Block:
    """Numbers of one window, which ends at `ends` by the event loop and is known by its end in MongoDB."""

    used: int
    """The last number that a hit has."""
    last: int
    """The last number that is reserved; as far as this worker knows the window has no later one."""
    window: datetime
    ends: float


class Unused(NamedTuple):
    """So many numbers of a window that this worker gives back; `last` is the last that it was given there."""

    address: str
    number: int
    last: int
    window: datetime


class Reservations:
    """The blocks of one worker by address. `amount` is the limit of a window."""

    def __init__(self, amount: int, capacity: int = CAPACITY) -> None:
        self._amount = amount
        self._capacity = capacity
        self._blocks: dict[str, Block] = {}
        self._ahead: dict[str, None] = {}
        """The addresses whose rows tell others that this worker holds numbers, the oldest first."""
        self._released: list[tuple[float, Unused]] = []

    def __bool__(self) -> bool:
        """Whether there is anything to give back."""
        return bool(self._ahead or self._released)

    def take(self, address: str, now: float) -> Hit | None:
        """Returns a number that is reserved, or None: then it must be asked for."""
        block = self._blocks.get(address)
        if block is None or block.used >= block.last or block.ends <= now:
            return None
        block.used += 1
        return Hit(block.used, block.ends)

    def knows(self, address: str, now: float) -> bool:
        """Whether this address has a row, as far as this worker knows."""
        return address in self._blocks and self._blocks[address].ends > now

    def ahead(self, address: str, hits: int, now: float) -> int:
        """Returns how many numbers to ask for beyond those of hits that are there; none near the limit."""
        known = self._blocks[address].last if self.knows(address, now) else 0
        return max(0, min(AHEAD * hits, (self._amount - known - hits) // PART))

    def keep(self, address: str, block: Block, *, ahead: bool) -> None:
        """Takes in what was given, with the numbers that its hits have used. `ahead`: its row tells that it is held."""
        self._blocks.pop(address, None)
        self._blocks[address] = block
        if ahead:
            self._ahead[address] = None
        else:
            self._ahead.pop(address, None)
        if len(self._blocks) > self._capacity:
            oldest = next(iter(self._blocks))
            if oldest in self._ahead:
                self._release(oldest)
            del self._blocks[oldest]

    def give_back(self, addresses: Iterable[str], now: float) -> list[Unused]:
        """Returns what of these is unused in windows that have not ended; it may not be taken any more from now on."""
        for address in addresses:
            if address in self._ahead:
                self._release(address)
        released, self._released = self._released, []
        return [unused for ends, unused in released if ends > now]

    def oldest(self, number: int) -> list[str]:
        """Returns so many of the addresses that numbers are held of."""
        return [address for address, _ in zip(self._ahead, range(number), strict=False)]

    def _release(self, address: str) -> None:
        del self._ahead[address]
        block = self._blocks[address]
        unused = Unused(address, block.last - block.used, block.last, block.window)
        self._released.append((block.ends, unused))
        block.last = block.used
