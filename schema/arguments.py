"""Arguments that many fields share."""

from typing import Annotated

import strawberry

First = Annotated[
    int | None, strawberry.argument(description="How many items from the start (0–100; 20 when nothing is given).")
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="Only items after this cursor of the same list and order; one that was altered is BAD_USER_INPUT."
    ),
]
Last = Annotated[int | None, strawberry.argument(description="How many items from the end (0–100).")]
Before = Annotated[
    str | None,
    strawberry.argument(
        description="Only items before this cursor of the same list and order; one that was altered is BAD_USER_INPUT."
    ),
]
