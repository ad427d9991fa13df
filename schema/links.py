"""What leads from one noun to another: fields that are asked for only where they are selected."""

from typing import TYPE_CHECKING, Protocol, TypeAlias

import strawberry

from models.pagination import Window

if TYPE_CHECKING:
    from schema.coupon import Coupon
    from schema.usage import UsageFollower, UserUsageConnection


class Links(Protocol):
    """The answers to such fields, for the caller of the request; each judges what the caller may see."""

    async def coupon(self, raw_id: str) -> "Coupon | None": ...

    async def usage_follower(self, coupon_id: str) -> "UsageFollower | None": ...

    async def usages(self, follower_id: str, window: Window) -> "UserUsageConnection": ...


class HasLinks(Protocol):
    """The context of a request, as far as the types need it."""

    @property
    def links(self) -> Links: ...


LinkInfo: TypeAlias = strawberry.Info[HasLinks, None]
