"""How activity is found; `services.kit.activity` writes it."""

from pymongo import ASCENDING, DESCENDING, IndexModel
from typing_extensions import override

from models.activity import Activity, ActivityFilter
from models.pagination import KeysetOrder
from models.principal import Principal, Role
from services.kit.activity.log import ACTIVITY
from services.kit.database import Database, Document
from services.kit.pagination import Listing, given, within
from services.kit.search import search_key

NEWEST_FIRST = KeysetOrder("newest", ("at",))


def _newest_of(field: str, name: str) -> IndexModel:
    return IndexModel([(field, ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name=name)


ACTIVITY_INDEXES = [
    IndexModel([("at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    _newest_of("by.name", "by"),
    _newest_of("verb", "verb"),
    _newest_of("objects._id", "object"),
    _newest_of("subjectKeys", "subject"),
    _newest_of("outcome", "outcome"),
    # Rows say themselves when they are to go; those of admins have no such field, and stay.
    IndexModel([("expiresAt", ASCENDING)], name="expiresAt", expireAfterSeconds=0, sparse=True),
]


def query_of(wanted: ActivityFilter) -> Document:
    """Returns the query for what a filter leaves of the rows."""
    named = {
        "by.name": wanted.by,
        "verb": wanted.verb,
        "objects._id": wanted.object_id,
        "subjectKeys": wanted.subject and search_key(wanted.subject),
        "outcome": wanted.outcome and wanted.outcome.value,
    }
    return given(**named) | within("at", wanted)


class ActivityListing(Listing[ActivityFilter, Activity]):
    """The rows, the newest first."""

    @override
    async def count(self, caller: Principal, wanted: ActivityFilter) -> int:
        """Returns how many rows the filter leaves; of all, what the collection says of itself, so that it is flat."""
        if self.query_of(wanted):
            return await super().count(caller, wanted)
        caller.require_role(Role.VIEWER)
        return await self.collection.estimated_document_count()


def activity(database: Database) -> ActivityListing:
    """What was done and what was refused."""
    return ActivityListing(database.activity, NEWEST_FIRST, query_of, ACTIVITY.load)
