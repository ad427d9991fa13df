"""How activity is found; `services.kit.activity` writes it."""

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.pagination import KeysetOrder

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
