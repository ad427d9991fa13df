"""In a sentence, why a process cannot work with its MongoDB."""

import re

from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure

from services.kit.indexes import DuplicatesError
from services.mongo_uri import FORM

_DETAILS = re.compile(r" \(configured timeouts[^)]*\)|, Timeout: .*", re.DOTALL)
_AUTHENTICATION = frozenset({18})
_PERMISSION = frozenset({13})
_STAND_ALONE = frozenset({20, 263, 40573})
"""Codes of MongoDB for a transaction or a change stream where there is no replica set."""


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
