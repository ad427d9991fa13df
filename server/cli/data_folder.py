"""What `tessera dev` keeps in its data folder, as far as other commands go by it: secrets, and ports of its servers."""

import os
import socket
from pathlib import Path
from typing import Annotated

import typer

DATA = Path(".tessera")
Data = Annotated[Path, typer.Option(help="Folder of `tessera dev`, whose MongoDB is used where MONGO_URI is unset.")]
REPLICA_SET = "tessera"
SECRETS_FILE = "secrets.env"
SECRETS = ("JWT_SEC", "ADMIN_KEY")
KAFKA_PORTS = Path("kafka", "ports")
MONGO_PORT = Path("mongo", "port")
LOOPBACK = "127.0.0.1"


def kept_secrets(folder: Path) -> dict[str, str]:
    """The secrets that are kept in `folder` by their variables' names, or none."""
    try:
        lines = (folder / SECRETS_FILE).read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value for name, _, value in pairs if name in SECRETS and value}


def last_ports(file: Path) -> list[int]:
    """The ports of the last start; none where there was none."""
    try:
        return [int(word) for word in file.read_text().split()]
    except (FileNotFoundError, ValueError):
        return []


def with_servers_of(folder: Path) -> dict[str, str]:
    """The environment, and for what it does not name the servers that `tessera dev` is running on this folder."""
    environment = dict(os.environ)
    kafka, mongo = last_ports(folder / KAFKA_PORTS), last_ports(folder / MONGO_PORT)
    if not environment.get("KAFKA_URI") and kafka and is_listening(kafka[0]):
        environment["KAFKA_URI"] = f"{LOOPBACK}:{kafka[0]}"
    if not environment.get("MONGO_URI") and mongo and is_listening(mongo[0]):
        environment["MONGO_URI"] = f"mongodb://{LOOPBACK}:{mongo[0]}/tessera?replicaSet={REPLICA_SET}"
    return environment


def is_listening(port: int) -> bool:
    """Whether someone listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0
