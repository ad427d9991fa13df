"""`MONGO_URI`, judged before anything is opened, and what it names."""

import warnings
from typing import Literal, TypeAlias
from urllib.parse import unquote, urlsplit

MongoDriver: TypeAlias = Literal["motor", "pymongo"]

FORM = (
    "must be a MongoDB URI such as mongodb://user:password@host:27017/tessera?replicaSet=rs0, "
    "with special characters of the password percent-encoded"
)


def database_name(mongo_uri: str) -> str:
    """The database that a MongoDB URI names, else `tessera`."""
    return unquote(urlsplit(mongo_uri).path.lstrip("/")) or "tessera"


def is_sound(uri: str) -> bool:
    """Whether MongoDB's own client would take it."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    # The hosts of mongodb+srv are asked of a name server, which is not for now.
    plain = uri.replace("mongodb+srv://", "mongodb://", 1)
    try:
        with warnings.catch_warnings():
            # Options that only other clients know are passed over, as they are when it is opened.
            warnings.simplefilter("ignore")
            client: MongoClient[dict[str, object]] = MongoClient(plain, connect=False)
        with client:
            client.get_database(database_name(uri))
    except (PyMongoError, ValueError, TypeError, OSError):
        return False
    return True
