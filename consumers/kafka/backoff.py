"""How long to wait before another try."""

import random

LONGEST = 15.0


def backoff(attempt: int, *, shortest: float = 0.1, longest: float = LONGEST) -> float:
    """Seconds before try number `attempt` + 1: doubling from `shortest` up to `longest`, half of it by chance."""
    full = min(longest, shortest * 2 ** min(attempt, 20))
    return random.uniform(full / 2, full)
