"""How a process reaches MongoDB: its URI, judged before anything is opened, and in a sentence why it does not work."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError

from models.environment import EnvironmentReader, MongoDriver, SettingsError, database_name
from services.kit.indexes import DuplicatesError

FORM = (
    "must be a MongoDB URI such as mongodb://user:password@host:27017/tessera?replicaSet=rs0, "
    "with special characters of the password percent-encoded"
)
_DETAILS = re.compile(r" \(configured timeouts[^)]*\)|, Timeout: .*", re.DOTALL)
_AUTHENTICATION = frozenset({18})
_PERMISSION = frozenset({13})
_STAND_ALONE = frozenset({20, 263, 40573})
"""Codes of MongoDB for a transaction or a change stream where there is no replica set."""


def read_mongo_uri(reader: EnvironmentReader) -> str:
    """`MONGO_URI`; what MongoDB's own client would not take is a fault too, told without any part of the URI."""
    before = len(reader.faults)
    uri = reader.mongo_uri()
    if len(reader.faults) == before and not _is_sound(uri):
        reader.fault("MONGO_URI", FORM)
    return uri


def _is_sound(uri: str) -> bool:
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


def unusable(fault: BaseException) -> str | None:
    """Why the database of `MONGO_URI` cannot be worked with; None where the fault tells of something else."""
    match fault:
        case OperationFailure(code=code) if code in _AUTHENTICATION:
            return "MongoDB does not take the credentials of MONGO_URI"
        case OperationFailure(code=code) if code in _PERMISSION:
            return "MongoDB does not allow the user of MONGO_URI to read and write the database"
        case OperationFailure(code=code) if code in _STAND_ALONE:
            return "MONGO_URI names a stand-alone MongoDB; a replica set or a sharded cluster is needed"
        case ConnectionFailure():
            return f"MongoDB cannot be reached: {_DETAILS.sub('', str(fault))}"
        case ConfigurationError():
            return f"MONGO_URI {FORM}"
        case DuplicatesError():
            return str(fault)
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """What a command needs that works on the database alone."""

    mongo_uri: str = field(repr=False)
    database: str
    mongo_driver: MongoDriver = "motor"
    usage_hold: int = 900
    log_level: str = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read every variable; raises `SettingsError` naming all that are missing or malformed."""
        reader = EnvironmentReader(environment)
        mongo_uri = read_mongo_uri(reader)
        settings = cls(
            mongo_uri=mongo_uri,
            database=database_name(mongo_uri),
            mongo_driver=reader.mongo_driver(),
            usage_hold=reader.usage_hold(),
            log_level=reader.log_level(),
        )
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings
