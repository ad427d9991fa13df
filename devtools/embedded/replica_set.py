"""The replica set of a mongod that Tessera starts itself: made, and moved when the port is another one."""

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from server.cli.data_folder import REPLICA_SET

_NOT_YET_INITIALIZED = 94


def make_primary(host: str, port: int, process: int) -> bool:
    """Bring the mongod at `host:port`, whose process id is `process`, to be the primary of a set of its own.

    Answers whether it is; ask again until it is. A mongod of another process at that address is left alone.
    Blocks for two seconds at most, and is meant for start-up only.
    """
    try:
        with MongoClient[dict[str, object]](
            host, port, directConnection=True, serverSelectionTimeoutMS=1_000, socketTimeoutMS=2_000
        ) as client:
            if client.admin.command("serverStatus")["pid"] != process:
                return False
            if client.admin.command("hello")["isWritablePrimary"]:
                return True
            _configure(client.admin, f"{host}:{port}")
    except PyMongoError:
        pass  # It is still starting or electing; what ails it for good stands in its own log.
    return False


def _configure(admin: Database[dict[str, object]], address: str) -> None:
    try:
        config = admin.command("replSetGetConfig")["config"]
    except OperationFailure as fault:
        if fault.code != _NOT_YET_INITIALIZED:
            raise
        settings = {"electionTimeoutMillis": 1_000}
        member = {"_id": 0, "host": address}
        admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member], "settings": settings})
        return
    if config["members"][0]["host"] != address:
        # Data of a run on another port: the node does not find itself in its set, so it cannot vote on this.
        config["members"][0]["host"] = address
        config["version"] += 1
        admin.command("replSetReconfig", config, force=True)
