"""Making indexes beside those that an older system left."""

from collections.abc import Sequence

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from services.kit.database import Collection, Document

_DUPLICATE = 11000
_CONFLICTS = (85, 86)
"""IndexOptionsConflict, IndexKeySpecsConflict: the same keys under another name, the same name with other options."""


class DuplicatesError(Exception):
    """Documents of an older system share what must be unique; which of them is right only a person can say."""


async def ensure_indexes(collection: Collection, indexes: Sequence[IndexModel]) -> None:
    """Makes the indexes that are missing.

    An index of an older system (mongoose names it `code_1`) that does the same under another name stays and serves; one
    that stands in the way with other options is replaced. Raises `DuplicatesError`, with nothing changed, where
    documents that are there break a unique one.
    """
    try:
        await _make(collection, indexes)
        return
    except OperationFailure as fault:
        if fault.code not in _CONFLICTS:
            raise
    for index in indexes:
        try:
            await _make(collection, [index])
        except OperationFailure as fault:
            if fault.code not in _CONFLICTS:
                raise
            await _replace(collection, index)


async def missing_indexes(collection: Collection, indexes: Sequence[IndexModel]) -> list[str]:
    """The names of those that nothing there does the work of, in order."""
    standing = [_meaning(options) for options in (await collection.index_information()).values()]
    return [str(index.document["name"]) for index in indexes if _meaning(index.document) not in standing]


async def drop_index(collection: Collection, name: str) -> None:
    """Drop an index that an earlier release made, where it still is."""
    if name in await collection.index_information():
        await collection.drop_index(name)


async def _make(collection: Collection, indexes: Sequence[IndexModel]) -> None:
    try:
        await collection.create_indexes(indexes)
    except OperationFailure as fault:
        if fault.code != _DUPLICATE:
            raise
        shared = (fault.details or {}).get("keyValue", {})
        named = ", ".join(f"{field} {value!r}" for field, value in shared.items())
        raise DuplicatesError(
            f"Several documents of `{collection.name}` share {named or 'a key that must be unique'}. "
            "Keep one of them and start again; nothing was changed."
        ) from None


async def _replace(collection: Collection, index: IndexModel) -> None:
    wanted = index.document
    standing = await collection.index_information()
    in_the_way = {
        name: options
        for name, options in standing.items()
        if name == wanted["name"] or dict(options["key"]) == dict(wanted["key"])
    }
    if any(_meaning(options) == _meaning(wanted) for options in in_the_way.values()):
        return
    for name in in_the_way:
        await collection.drop_index(name)
    await _make(collection, [index])


def _meaning(options: Document) -> tuple[object, ...]:
    """What an index does, whatever its name."""
    kept = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds")
    return (list(dict(options["key"]).items()), *(options.get(name) or None for name in kept))
