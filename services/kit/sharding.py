"""Shard keys: by which fields a collection may be spread over the shards of a MongoDB cluster.

Each is declared beside the indexes of its collection. Every unique index begins with it, because MongoDB tells no two
shards that a value is taken, and every command of a request carries it, so that it goes to the shards that hold what
it is about. `docs/scaling.md` says what of it was run.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShardKey:
    """By which fields a collection is spread: by their order, or one `hashed`.

    `made_first` says that no index begins with it in a form that MongoDB takes for one: it is made before.
    """

    collection: str
    fields: tuple[str, ...]
    hashed: bool = False
    made_first: bool = False

    @property
    def pattern(self) -> dict[str, object]:
        """The key as MongoDB's `shardCollection` takes it."""
        return dict.fromkeys(self.fields, "hashed" if self.hashed else 1)


def by_id(collection: str) -> ShardKey:
    """The key of a collection whose rows are found by their ids alone."""
    return ShardKey(collection, ("_id",), hashed=True, made_first=True)
