"""What `tessera offsets` does, or would do, as its command shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """Where a group goes on in a partition: `stored` is what it has committed, None where nothing; then `target`."""

    topic: str
    partition: int
    stored: int | None
    target: int
    end: int

    @property
    def again(self) -> int:
        """How many offsets are consumed again."""
        return 0 if self.stored is None else max(0, min(self.stored, self.end) - self.target)


@dataclass(frozen=True, slots=True)
class OffsetPlan:
    """What was done or would be, for each partition, and why it cannot be, or None."""

    moves: tuple[OffsetMove, ...]
    refusal: str | None = None
