"""Ports on the loopback interface."""

import socket
from contextlib import ExitStack
from pathlib import Path

from server.cli.data_folder import LOOPBACK, last_ports


def is_free(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port_from(first: int, host: str = LOOPBACK) -> int:
    """The first port from this one on that nobody listens on; `first` itself where none of a hundred is free."""
    return next((port for port in range(first, first + 100) if is_free(port, host)), first)


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, all different. Another may take one before its use: callers try again."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def kept_ports(file: Path, count: int) -> list[int]:
    """The ports of the last start while they are free, else others, written down for the next start."""
    ports = last_ports(file)
    if len(ports) != count or not all(map(is_free, ports)):
        ports = free_ports(count)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(" ".join(map(str, ports)) + "\n")
    return ports
