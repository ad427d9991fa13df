"""What the input of every mutation has beside its own fields."""

import strawberry


@strawberry.input
class Keyed:
    idempotency_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=(
            "Your own word for this change, up to 255 printable ASCII characters: sent again with the same input "
            "within 24 hours it answers what it answered first and changes nothing."
        ),
    )
