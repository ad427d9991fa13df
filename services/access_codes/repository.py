"""How access codes, their uses and their batches are stored and found."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from pymongo import ASCENDING, DESCENDING, IndexModel

from models.access_codes.access_code import (
    AccessCode,
    AccessCodeFilter,
    AccessCodeUse,
    AccessCodeUseFilter,
    make_access_code,
)
from models.access_codes.batches import AccessCodeBatch, AccessCodeBatchFilter
from models.pagination import KeysetOrder
from models.values.codes import kept_forms
from services.access_codes.code_search import CODE_SEARCH_FIELDS, CODE_SEARCH_INDEXES, holds_part, search_fields
from services.kit.database import Collection, Database, Document, Session, aggregate
from services.kit.mapping import Derived, Mapper
from services.kit.pagination import Listing, given, within
from services.kit.search import contains_by_runs, runs, search_key
from services.kit.sharding import ShardKey
from services.kit.stored_form import WITH_FORM

SEARCH_FIELDS = CODE_SEARCH_FIELDS
"""What only a search needs; no entity has it."""
ENTITY_ALONE = dict.fromkeys(SEARCH_FIELDS, False)


def batch_search_fields(name: str) -> Document:
    key = search_key(name)
    return {"nameKey": key, "nameRuns": runs(key)}


ACCESS_CODES: Mapper[AccessCode] = Mapper(
    AccessCode,
    optional=("batch",),
    derived=[
        WITH_FORM,
        Derived(frozenset({"used_count", "max_uses"}), lambda code: {"full": code.is_full}),
        Derived(frozenset({"code"}), lambda code: search_fields(code.code)),
    ],
)
USES = Mapper(AccessCodeUse, optional=("batch",))
BATCHES: Mapper[AccessCodeBatch] = Mapper(
    AccessCodeBatch, derived=[Derived(frozenset({"id"}), lambda batch: batch_search_fields(batch.name))]
)

NEWEST_FIRST = KeysetOrder("newest", ("createdAt",))
NEWEST_BATCH_FIRST = KeysetOrder("batches", ("createdAt",), has_text_ids=True)
USES_IN_ORDER = KeysetOrder("uses", ("redeemedAt",), descending=False)
LATEST_FIRST = KeysetOrder("latestUses", ("redeemedAt",))

ACCESS_CODE_INDEXES = [
    IndexModel([("code", ASCENDING)], name="code", unique=True),
    # The switch and the expiry stand in these two so that a list's filter is judged before a document is fetched.
    IndexModel(
        [("createdAt", DESCENDING), ("_id", DESCENDING), ("expiresAt", ASCENDING), ("active", ASCENDING)],
        name="newest",
    ),
    IndexModel(
        [("active", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING), ("expiresAt", ASCENDING)],
        name="active",
    ),
    IndexModel([("expiresAt", ASCENDING), ("active", ASCENDING), ("full", ASCENDING)], name="expiresAt"),
    IndexModel([("usedCount", DESCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="usedCount"),
    *CODE_SEARCH_INDEXES,
    # Few descriptions stand on many codes: those that a search finds are sought among the different ones.
    IndexModel([("description", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="description"),
    IndexModel([("createdBy", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="createdBy"),
    IndexModel(
        [
            ("batch", ASCENDING),
            ("createdAt", DESCENDING),
            ("_id", DESCENDING),
            ("expiresAt", ASCENDING),
            ("active", ASCENDING),
        ],
        name="ofBatch",
        # Not by `$type`, of which MongoDB makes no use when it looks for a batch.
        partialFilterExpression={"batch": {"$exists": True}},
    ),
]
BATCH_INDEXES = [
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    IndexModel([("createdBy", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)], name="createdBy"),
    IndexModel([("nameRuns", ASCENDING)], name="nameRuns"),
]
USE_INDEXES = [
    # One use for each user and code. The username comes first because a batch of redemptions asks for all pairs of its
    # users and its codes, and a user has used few codes where a code may have a million users. `again` stands only in
    # doubles that were taken over from the original system.
    IndexModel([("username", ASCENDING), ("codeId", ASCENDING), ("again", ASCENDING)], name="oneUseEach", unique=True),
    IndexModel([("codeId", ASCENDING), ("redeemedAt", ASCENDING), ("_id", ASCENDING)], name="ofCode"),
    IndexModel([("username", DESCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="ofUser"),
    IndexModel([("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="newest"),
    # By the code and not by its id, so that the uses of a deleted code are found too.
    IndexModel([("code", ASCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING)], name="code"),
    IndexModel(
        [("batch", ASCENDING), ("redeemedAt", DESCENDING), ("_id", DESCENDING)],
        name="batch",
        partialFilterExpression={"batch": {"$exists": True}},
    ),
]

USES_SHARD_KEY = ShardKey("accesscodeuses", ("username", "codeId"))


def by_code(typed: Iterable[str]) -> Document:
    """Returns the query for the codes of which one of these may have been typed; `likeliest` tells which was."""
    return {"code": {"$in": [form for code in typed for form in kept_forms(code)]}}


async def descriptions_with(access_codes: Collection, part: str) -> list[str]:
    """Returns the descriptions that hold a part, anywhere, ignoring case, each once.

    The index is skipped through from one description to the next, however many codes bear it.
    """
    each: list[Document] = [{"$sort": {"description": 1}}, {"$group": {"_id": "$description"}}]
    sought = search_key(part)
    found = [row["_id"] async for row in aggregate(access_codes, each, hint="description")]
    return [description for description in found if sought in search_key(description)]


async def query_for(access_codes: Collection, wanted: AccessCodeFilter, now: datetime) -> Document:
    """Returns the query for what a filter leaves at this moment; looks up the descriptions that it means."""
    query = query_of(wanted, now)
    if wanted.description is not None:
        query["description"] = {"$in": await descriptions_with(access_codes, wanted.description)}
    return query


def uses(database: Database) -> Listing[AccessCodeUseFilter, AccessCodeUse]:
    """Uses of all codes, the latest first."""
    return Listing(database.access_code_uses, LATEST_FIRST, uses_query, USES.load)


def uses_query(wanted: AccessCodeUseFilter) -> Document:
    """Returns the query for what a filter leaves of the uses."""
    query = within("redeemedAt", wanted) | given(batch=wanted.batch, username=wanted.username)
    return query if wanted.code is None else query | by_code([wanted.code])


def query_of(wanted: AccessCodeFilter, now: datetime) -> Document:
    """Returns the query for what a filter leaves at this moment, but for the descriptions."""
    query = within("createdAt", wanted) | given(createdBy=wanted.created_by)
    if wanted.active is not None:
        query["active"] = wanted.active
    if wanted.expired is not None:
        query["expiresAt"] = {"$lte" if wanted.expired else "$gt": now}
    if wanted.code is not None:
        query |= holds_part(wanted.code)
    if wanted.batch is not None:
        query["batch"] = wanted.batch
    return query


def batch_listing(database: Database) -> Listing[AccessCodeBatchFilter, AccessCodeBatch]:
    """The batches, the newest first."""
    return Listing(database.access_code_batches, NEWEST_BATCH_FIRST, batches_query, BATCHES.load)


def batches_query(wanted: AccessCodeBatchFilter) -> Document:
    """Returns the query for what a filter leaves of the batches."""
    query = within("createdAt", wanted) | given(createdBy=wanted.created_by)
    if wanted.name is not None:
        query |= contains_by_runs("nameKey", "nameRuns", search_key(wanted.name))
    return query


async def draw_codes(access_codes: Collection, session: Session, number: int) -> list[str]:
    """Draws so many different codes that are free in the transaction's snapshot.

    With millions of codes a draw of a thousand holds a taken one more often than not, so the taken ones are drawn
    again here. One that another process takes meanwhile meets the unique index, and the transaction runs again.
    """
    free: dict[str, None] = {}
    while missing := number - len(free):
        drawn = _draw(missing)
        taken = access_codes.find({"code": {"$in": list(drawn)}}, {"_id": 0, "code": 1}, session=session)
        drawn -= {row["code"] async for row in taken}
        free |= dict.fromkeys(drawn)
    return list(free)


def _draw(number: int) -> set[str]:
    """Codes from a cryptographic source, which is asked once: for 128 bits of each, far more than it has."""
    bits = iter(secrets.token_bytes(16 * number))
    return {make_access_code(lambda below: int.from_bytes(islice(bits, 16)) % below) for _ in range(number)}
