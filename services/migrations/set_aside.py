"""What an older system left and could not be imported as it was: kept whole, with its id and the reason.

Documents that were set aside are in no list any more; of those that were imported with another value than they had,
the original is kept beside (`imported` is then true). Of cards only the last four digits are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bson import Decimal128
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.int64 import Int64
from pymongo import ASCENDING, IndexModel

from models.values.card_numbers import without_card_secrets
from models.values.instants import to_milliseconds
from services.kit.database import Database, Document

if TYPE_CHECKING:
    from services.kit.database import Collection, Session

LENIENT: CodecOptions[Document] = CodecOptions(
    document_class=dict,
    tz_aware=True,
    tzinfo=UTC,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
"""Reads any document: instants out of Python's range and texts that are not UTF-8 stop nothing."""

SET_ASIDE_INDEXES = [IndexModel([("imported", ASCENDING), ("_id", ASCENDING)], name="imported")]


@dataclass(frozen=True, slots=True)
class SetAside:
    """A document of a collection, and why it was set aside or, where it was imported, what was changed."""

    collection: str
    id: object
    reason: str
    imported: bool = False


def lenient(collection: "Collection") -> "Collection":
    return collection.with_options(codec_options=LENIENT)


def rows_of(database: Database) -> "Collection":
    return lenient(database.set_aside)


async def keep(database: Database, session: "Session", kept: Sequence[tuple[SetAside, Mapping[str, object]]]) -> None:
    """Keep documents as they were, within the transaction that takes them out of their collection or changes them."""
    now = to_milliseconds(datetime.now(UTC))
    rows = [
        {
            "collection": each.collection,
            "documentId": each.id,
            "reason": each.reason,
            "imported": each.imported,
            "document": _without_secrets(document) if each.collection == "orders" else dict(document),
            "at": now,
        }
        for each, document in kept
    ]
    if rows:
        await rows_of(database).insert_many(rows, session=session, ordered=False)


async def counted(database: Database, *, imported: bool) -> int:
    return await rows_of(database).count_documents({"imported": imported})


async def listed(database: Database, *, imported: bool, limit: int) -> list[SetAside]:
    """What was set aside (or imported with changes), the newest first."""
    found = rows_of(database).find({"imported": imported}, {"document": 0}).sort("_id", -1).limit(limit)
    return [
        SetAside(row["collection"], row["documentId"], row["reason"], row["imported"])
        for row in await found.to_list(None)
    ]


def _without_secrets(document: Mapping[str, object]) -> object:
    return without_card_secrets(_plain(document))


def _plain(value: object) -> object:
    """The value in kinds among which card numbers are known; bytes, which may hold anything, are left out."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Int64):
        return int(value)
    if isinstance(value, Decimal128):
        return str(value)
    return None if isinstance(value, bytes) else value


def names(kept: Iterable[SetAside]) -> list[str]:
    """A line for each, such as `coupons 64…: couponCode is missing`."""
    return [f"{each.collection} {_shown(each.id)}: {each.reason}" for each in kept]


def _shown(identifier: object) -> str:
    text = repr(identifier) if isinstance(identifier, str | bytes) else str(identifier)
    return text if len(text) <= 100 else text[:99] + "…"
