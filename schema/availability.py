"""What visitors may watch, in GraphQL."""

from typing import Self

import strawberry
from typing_extensions import override

from models import availability as models
from models.values.ids import global_id
from schema.relay import Shows


@strawberry.type(description="What is left in all of something that is public; no user's numbers.")
class PublicAvailability(Shows[models.PublicAvailability]):
    id: strawberry.ID = strawberry.field(description="The same for the same coupon, campaign or access code.")
    coupon_id: str | None = strawberry.field(description="The coupon that is followed.")
    campaign_id: str | None = strawberry.field(description="The campaign that is followed.")
    access_code: str | None = strawberry.field(description="The access code.")
    limit: int | None = strawberry.field(description="How many units there are in all; null where nothing limits it.")
    remaining: int | None = strawberry.field(
        description="How many are left, those that are set aside taken off; null where nothing limits it."
    )
    available: bool = strawberry.field(description="Whether any are left.")

    @classmethod
    @override
    def of(cls, model: models.PublicAvailability, /) -> Self:
        raw = model.coupon_id or model.campaign_id or model.access_code or ""
        return cls.by_name(model, id=strawberry.ID(global_id("PublicAvailability", raw)))
