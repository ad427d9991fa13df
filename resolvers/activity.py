"""The GraphQL fields of activity."""

from functools import partial
from typing import Annotated

import strawberry

from models import activity as models
from models.pagination import Window
from models.principal import Role
from models.values.ids import is_object_id
from resolvers.context import Info, command_of
from schema.activity import Activity, ActivityConnection, ActivityFilter
from schema.relay import After, Before, First, Last


async def node(info: Info, raw_id: str) -> Activity | None:
    """A row by its raw id, for `node` and `nodes`: for admins, as `activity` is."""
    caller = info.context.admin(Role.VIEWER)
    if not is_object_id(raw_id):
        return None
    return Activity.or_none(await info.context.services.activity.find_by_id(caller, raw_id))


@strawberry.type
class ActivityQuery:
    @strawberry.field(
        description="What admins and events did, who refunded, and whom what was refused, the newest first. For admins."
    )
    async def activity(
        self,
        info: Info,
        filter: Annotated[ActivityFilter | None, strawberry.argument(description="Narrows the list.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> ActivityConnection:
        caller, listing = info.context.admin(Role.VIEWER), info.context.services.activity
        wanted, window = command_of(models.ActivityFilter, filter), Window.of(first, after, last, before)
        page = await listing.window(caller, wanted, window)
        return ActivityConnection.of(page, Activity.of, partial(listing.count, caller, wanted))
