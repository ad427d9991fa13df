"""How Kafka is reached: its servers, and what each connection to them shows and asks for."""

import asyncio
import os
import shlex
import signal
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import AuthenticationFailedError
from typing_extensions import override

CLIENT = "tessera"
TOKEN_WITHIN = 30.0
"""Seconds that the command may take which prints a token."""
_COMMAND = "KAFKA_SASL_TOKEN_COMMAND"


class ConnectionOptions(TypedDict):
    """What every client of aiokafka takes."""

    bootstrap_servers: str
    client_id: str
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None
    sasl_oauth_token_provider: AbstractTokenProvider | None


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files: who is trusted besides nobody (None: whom the system trusts), and the certificate that is shown."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password: str | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """Raises `OSError` (`ssl.SSLError` among them) where a file cannot be used."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None:
            # Without a password OpenSSL would ask for one on the terminal.
            context.load_cert_chain(self.certificate, self.key, self.password or "")
        return context


@dataclass(frozen=True, slots=True)
class Sasl:
    """Who we are: by name and password, or by a token that a command prints."""

    mechanism: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token_command: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """One Kafka (`host:port[,host:port]`), with TLS and SASL where it asks for them."""

    servers: str
    tls: Tls | None = None
    sasl: Sasl | None = None

    @property
    def protocol(self) -> str:
        """Kafka's name for what is asked for."""
        transport = "PLAINTEXT" if self.tls is None else "SSL"
        return transport if self.sasl is None else f"SASL_{transport}"

    def options(self) -> ConnectionOptions:
        """What a client is opened with."""
        sasl = self.sasl or Sasl("PLAIN")
        return ConnectionOptions(
            bootstrap_servers=self.servers,
            client_id=CLIENT,
            security_protocol=self.protocol,
            ssl_context=None if self.tls is None else self.tls.context(),
            sasl_mechanism=sasl.mechanism,
            sasl_plain_username=sasl.username,
            sasl_plain_password=sasl.password,
            sasl_oauth_token_provider=None if sasl.token_command is None else _PrintedToken(sasl.token_command),
        )


class _PrintedToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """The token that a command prints, asked for anew with each connection, so that it is never an old one."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)

    @override
    async def token(self) -> str:
        """Raises `AuthenticationFailedError`, which shows nothing of what was printed."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words, stdout=asyncio.subprocess.PIPE, start_new_session=True
            )
        except OSError as fault:
            raise AuthenticationFailedError(f"{_COMMAND} cannot be run: {fault.strerror}") from None
        try:
            async with asyncio.timeout(TOKEN_WITHIN):
                printed, _ = await process.communicate()
        except TimeoutError:
            raise AuthenticationFailedError(f"{_COMMAND} printed nothing within {TOKEN_WITHIN:g} s") from None
        finally:
            await _end_group(process)
        token = printed.decode(errors="replace").strip()
        if process.returncode or not token:
            raise AuthenticationFailedError(f"{_COMMAND} ended with {process.returncode} and no token")
        return token


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End what a command has left running, itself and all that it has started: nobody waits for it any longer."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
