"""Indexes and counts of access codes, and the import of codes that an older system left.

The original system kept the uses inside the code, as an array `usedBy`. A code without our search fields is one of
those: its uses become documents of their own, and the array goes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bson import ObjectId

from models.access_codes.access_code import CREATED_BY, DAY, DEFAULT_DESCRIPTION, MAX_EXPIRY_DAYS
from models.values.codes import normalize_code
from services.access_codes.code_search import search_fields
from services.access_codes.expiry_counts import EXPIRY_INDEXES
from services.access_codes.repository import ACCESS_CODE_INDEXES, USE_INDEXES
from services.access_codes.totals import AccessCodeCounts
from services.kit.database import Database, Document
from services.kit.indexes import ensure_indexes
from services.migrations.legacy_import import Imported, import_all
from services.migrations.legacy_reading import Reading
from services.migrations.legacy_values import LAST_INSTANT

if TYPE_CHECKING:
    from services.kit.database import Session

_KNOWN = frozenset(
    {"_id", "code", "description", "maxUses", "usedCount", "usedBy", "expiresAt", "active", "createdBy", "form"}
    | {"createdAt", "updatedAt", "__v"}
)


async def prepare_access_codes(database: Database, *, recount: bool) -> int:
    """Make the indexes and import what an older system left; returns how many codes that were.

    All codes are counted anew after it, where there was any or `recount` says so or their total is wrong.
    """
    await ensure_indexes(database.access_code_uses, USE_INDEXES)
    await ensure_indexes(database.expiry_counts, EXPIRY_INDEXES)
    imported = await import_all(database, AccessCodeImporter())
    await ensure_indexes(database.access_codes, ACCESS_CODE_INDEXES)
    await AccessCodeCounts(database).catch_up(recount=recount or imported > 0)
    return imported


class AccessCodeImporter:
    """Gives codes their search fields, and makes their uses documents of their own."""

    collection = "accesscodes"
    unique: tuple[str, ...] = ("code",)
    looked_up: tuple[str, ...] = unique

    def convert(self, reading: Reading) -> Imported:
        if "codeKey" in reading.document:
            return Imported({**reading.document, **_complete(reading, 0)}, legacy=False)
        entries = reading.list("usedBy")
        complete = _complete(reading, len(entries))
        reading.drop_unknown(_KNOWN)
        uses = _uses_of(reading, entries, complete)
        if unaccounted := complete["usedCount"] - len(uses):
            complete["unaccountedUses"] = unaccounted
        return Imported(complete, legacy=True, rows=[("accesscodeuses", use) for use in uses])

    async def settle(
        self, session: "Session", kept: Sequence[Imported], doubles: Sequence[Imported]
    ) -> list[tuple[str, Document]]:
        """The uses of codes that are set aside stay in the history of their users, as those of deleted codes do."""
        return [row for each in doubles for row in each.rows]


def _complete(reading: Reading, known_uses: int) -> Document:
    """What the document holds, in our form and with what it lacks."""
    code = normalize_code(reading.text("code") or "")
    if not code:
        raise reading.refuse("code", "is missing")
    created_at = reading.created_at()
    used_count = max(reading.count("usedCount"), known_uses)
    max_uses = _max_uses(reading, used_count)
    return {
        "_id": reading.identifier(),
        "code": code,
        "description": reading.text("description") or DEFAULT_DESCRIPTION,
        "maxUses": max_uses,
        "usedCount": used_count,
        "expiresAt": reading.instant("expiresAt") or _never(created_at),
        "active": reading.flag("active") is not False,
        "createdAt": created_at,
        "updatedAt": reading.instant("updatedAt") or created_at,
        "createdBy": reading.text("createdBy") or CREATED_BY,
        "full": used_count >= max_uses,
        **search_fields(code),
    }


def _max_uses(reading: Reading, used_count: int) -> int:
    """How many may use it. A code that races had let be used more often than it allowed is a full one of that many."""
    max_uses = reading.at_most("maxUses")
    if max_uses == 0:
        raise reading.refuse("maxUses", "is 0: nobody can use it")
    if max_uses is None:
        reading.changed("maxUses", f"was missing and is {max(1, used_count)}")
    elif max_uses < used_count:
        reading.changed("maxUses", f"was {max_uses} and is {used_count}, the number of uses")
    return max(1, max_uses or 0, used_count)


def _never(created_at: datetime) -> datetime:
    """When a code without an expiry, which never expired, expires: after the longest time that can be asked for."""
    longest = MAX_EXPIRY_DAYS * DAY
    return LAST_INSTANT if created_at > LAST_INSTANT - longest else created_at + longest


def _uses_of(reading: Reading, entries: Sequence[object], code: Mapping[str, object]) -> list[Document]:
    """The uses of a code, doubles of the same user included: nothing that was recorded is lost."""
    seen: Counter[str] = Counter()
    uses = []
    for place, entry in enumerate(entries):
        # An entry that is no object is the name itself.
        fields = entry if isinstance(entry, Mapping) else {"username": entry}
        inner = Reading(fields, f"usedBy.{place}.", reading.changes)
        twitter_id = inner.text("twitterId")
        username = inner.text("username") or twitter_id
        if username is None:
            inner.changed("username", "is missing; the use counts without its user")
            continue
        use = {
            "_id": ObjectId(),
            "codeId": code["_id"],
            **{field: code[field] for field in ("code", "description", "expiresAt", "createdAt")},
            "username": username,
            "redeemedAt": inner.instant("redeemedAt") or inner.instant("usedAt") or code["updatedAt"],
            "twitterId": twitter_id,
        }
        if seen[username]:
            use["again"] = seen[username]
        seen[username] += 1
        uses.append(use)
    return uses
