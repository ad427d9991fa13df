"""In a sentence, why a process cannot work with its MongoDB."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, ConnectionFailure, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from services.kit.database import Database
from services.kit.indexes import DuplicatesError
from services.mongo_uri import FORM

OLDEST, OLDEST_WIRE = "6.0", 17
"""The oldest MongoDB that is worked with, and the version of its protocol."""
LOOKS_WITHIN_MS = 2_000
"""How long a server may take to say what it is."""
_STAND_ALONE = "is a stand-alone MongoDB; a replica set or a sharded cluster is needed"
_TOO_OLD = f"is older than MongoDB {OLDEST}, which is needed at least"
_DETAILS = re.compile(r" \(configured timeouts[^)]*\)|, Timeout: .*", re.DOTALL)
_AUTHENTICATION = frozenset({18})
_PERMISSION = frozenset({13})
_NO_REPLICA_SET = frozenset({20, 263, 40573})
"""Codes of MongoDB for a transaction or a change stream where there is no replica set."""


class UnfitDatabase(Exception):
    """MongoDB answers and cannot be worked with as it is, now or later; the message is the whole sentence."""


def unusable(fault: BaseException) -> str | None:
    """Why the database of `MONGO_URI` cannot be worked with; None where the fault tells of something else."""
    match fault:
        case UnfitDatabase() | DuplicatesError():
            return str(fault)
        case OperationFailure(code=code) if code in _AUTHENTICATION:
            return "MongoDB does not take the credentials of MONGO_URI"
        case OperationFailure(code=code) if code in _PERMISSION:
            return "MongoDB does not allow the user of MONGO_URI to read and write the database"
        case OperationFailure(code=code) if code in _NO_REPLICA_SET:
            return f"MONGO_URI {_STAND_ALONE}"
        case ConnectionFailure() if "Primary()" in str(fault):
            return "The replica set of MONGO_URI has no primary that can be reached"
        case ConnectionFailure():
            return f"MongoDB cannot be reached: {_DETAILS.sub('', str(fault))}"
        case ConfigurationError() if "wire version" in str(fault):
            return f"MONGO_URI {_TOO_OLD}"
        case ConfigurationError():
            return f"MONGO_URI {FORM}"
        case _:
            return None


async def require_fit(database: Database) -> None:
    """Reach the primary, and look at what the servers are.

    Raises `UnfitDatabase` where nothing can be done until somebody has changed them or `MONGO_URI`.
    """
    try:
        await database.ping()
    except ConnectionFailure as fault:
        if (reason := await _why_none_serves(database.uri)) is None:
            raise
        raise UnfitDatabase(reason) from fault
    for address, kind, wire in database.servers():
        if (reason := _unfit(address, stand_alone=kind == "Standalone", wire=wire)) is not None:
            raise UnfitDatabase(reason)


def _unfit(address: str, *, stand_alone: bool, wire: int) -> str | None:
    if stand_alone:
        return f"{address} {_STAND_ALONE}"
    if 0 < wire < OLDEST_WIRE:
        return f"{address} {_TOO_OLD}"
    return None


async def _why_none_serves(uri: str) -> str | None:
    """What the servers of a URI say of themselves that explains why none of them was taken; None for nothing."""
    try:
        parsed = parse_uri(uri)
    except (PyMongoError, ValueError):
        return None
    wanted = parsed["options"].get("replicaSet")
    tls = {name: value for name, value in parsed["options"].items() if name.lower().startswith("tls")}
    for host, port in parsed["nodelist"]:
        told = await _hello(host, port, tls)
        if told is not None and (reason := _misfit(f"{host}:{port}", told, wanted)) is not None:
            return reason
    return None


def _misfit(address: str, told: Mapping[str, object], wanted: str | None) -> str | None:
    """Why a server that says this of itself is not one of those that are wanted."""
    name = told.get("setName")
    if name is None and told.get("isreplicaset"):
        return f"{address} belongs to a replica set that was never made; rs.initiate() in its shell makes it"
    stand_alone = name is None and told.get("msg") != "isdbgrid"
    if (unfit := _unfit(address, stand_alone=stand_alone, wire=_wire_of(told))) is not None:
        return unfit
    if wanted is not None and wanted != name:
        return f"MONGO_URI names the replica set {wanted}, but {address} belongs to {name or 'a sharded cluster'}"
    return None


def _wire_of(told: Mapping[str, object]) -> int:
    wire = told.get("maxWireVersion")
    return wire if isinstance(wire, int) else 0


async def _hello(host: str, port: int | None, tls: Mapping[str, object]) -> Mapping[str, object] | None:
    """What a server says to anybody of itself; None where it says nothing."""
    limits = {"serverSelectionTimeoutMS": LOOKS_WITHIN_MS, "connectTimeoutMS": LOOKS_WITHIN_MS}
    options: dict[str, Any] = {"directConnection": True, **limits, **tls}

    def ask() -> Mapping[str, object] | None:
        # The asynchronous client leaves a socket open where it is closed while it connects once more.
        with MongoClient[dict[str, object]](host, port, **options) as client:
            try:
                return client.admin.command("hello")
            except (PyMongoError, OSError):
                return None

    return await asyncio.to_thread(ask)
