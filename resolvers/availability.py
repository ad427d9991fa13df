"""The GraphQL field that is live for visitors."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from models.availability import FindPublicAvailability
from models.inputs import parse
from resolvers.context import Info
from schema.availability import PublicAvailability


@strawberry.type
class AvailabilitySubscription:
    @strawberry.subscription(
        description=(
            "What is left in all of a coupon, a campaign or an access code (exactly one) that is public: at once, then "
            "on every change, at most ten times a second; null while there is none that is public. Open to everyone; "
            "the whole subscription counts once under the rate limit."
        )
    )
    async def public_availability_changed(
        self,
        info: Info,
        coupon_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The coupon, by its raw `_id` or its Relay id.")
        ] = None,
        campaign_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="The campaign, by its raw `_id`.")
        ] = None,
        access_code: Annotated[str | None, strawberry.argument(description="The access code, as typed.")] = None,
    ) -> AsyncGenerator[PublicAvailability | None, None]:
        permit, services = await info.context.permit(), info.context.services
        named = {"couponId": coupon_id, "campaignId": campaign_id, "accessCode": access_code}
        wanted = parse(FindPublicAvailability, {name: value for name, value in named.items() if value is not None})
        watch = services.usage.watch_public if wanted.access_code is None else services.access_codes.watch_public
        async with aclosing(watch(permit, wanted)) as changes:
            async for found in changes:
                yield PublicAvailability.or_none(found)
