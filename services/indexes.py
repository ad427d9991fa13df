"""Making indexes beside those that an older system left."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel
from pymongo.errors import OperationFailure

if TYPE_CHECKING:
    from services.database import Collection

_CONFLICTS = (85, 86)
"""IndexOptionsConflict, IndexKeySpecsConflict: the same keys under another name, the same name with other options."""


async def ensure_indexes(collection: "Collection", indexes: Sequence[IndexModel]) -> None:
    """Make the indexes that are missing.

    An index of an older system (mongoose names it `code_1`) that does the same under another name stays and serves; one
    that stands in the way with other options is replaced.
    """
    try:
        await collection.create_indexes(indexes)
        return
    except OperationFailure as fault:
        if fault.code not in _CONFLICTS:
            raise
    for index in indexes:
        try:
            await collection.create_indexes([index])
        except OperationFailure as fault:
            if fault.code not in _CONFLICTS:
                raise
            await _replace(collection, index)


async def _replace(collection: "Collection", index: IndexModel) -> None:
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
    await collection.create_indexes([index])


def _meaning(options: Any) -> tuple[Any, ...]:
    """What an index does, whatever its name."""
    kept = ("unique", "sparse", "partialFilterExpression", "expireAfterSeconds")
    return (list(dict(options["key"]).items()), *(options.get(name) or None for name in kept))
