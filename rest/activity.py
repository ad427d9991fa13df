"""The path of activity: `GET /admin/activity`, walked by keyset."""

from starlette.requests import Request
from starlette.responses import Response

from models.activity import Activity, ListActivity
from models.base import to_json
from models.inputs import parse_query
from models.principal import Role
from rest.access import admin, caller_of, query_of, resource, services_of
from rest.envelope import success
from rest.openapi import activity as told
from rest.openapi.description import described


@described(told.LIST_ACTIVITY)
@admin(Role.VIEWER)
async def list_activity(request: Request) -> Response:
    wanted = parse_query(ListActivity, query_of(request))
    page = await services_of(request).activity.window(caller_of(request), wanted, wanted.window)
    following = page.edges[-1].cursor if page.has_next else None
    shown = [_shown(edge.node) for edge in page.edges]
    return success({"activity": shown, "pagination": {"limit": wanted.limit, "next": following}})


admin_routes = [resource("/activity", GET=list_activity)]


def _shown(activity: Activity) -> dict[str, object]:
    """A row with what it was done upon, the first of several, before all of that."""
    shown: dict[str, object] = {}
    for name, value in to_json(activity).items():
        if name == "objects":
            shown["object"] = None if activity.object is None else to_json(activity.object)
        shown[name] = value
    return shown
