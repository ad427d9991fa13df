"""The command `tessera doctor`: looks at everything that Tessera needs and says what to do about what is not well."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.data_folder import DATA, Data, kept_secrets, with_servers_of
from server.cli.output import is_debugging

if TYPE_CHECKING:
    from pathlib import Path

    from services.examination import Finding
    from services.settings import DatabaseSettings

_MARKS = {"ok": "ok   ", "note": "NOTE ", "fault": "FAULT"}
SETTINGS = "settings"


def doctor(
    no_audit: Annotated[bool, typer.Option("--no-audit", help="Leave out the audit, which reads all.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    data: Data = DATA,
) -> None:
    """Check settings, MongoDB, migrations, indexes, clocks, counters, keys, Kafka and its topics. Changes nothing.

    Exits 0 where nothing is at fault, 2 where a setting is, else 1.
    """
    from services.logs import configure_logs

    environment = _environment(data, os.environ)
    configure_logs("debug" if is_debugging(environment) else "critical")
    findings: list[Finding] = []
    for finding in _examine(environment, audit=not no_audit):
        if finding in findings:
            continue  # A setting that API and consumers share.
        findings.append(finding)
        if not as_json:
            _print(finding)
    faults = [finding.check for finding in findings if finding.level == "fault"]
    if as_json:
        typer.echo(json.dumps({"ok": not faults, "findings": [asdict(one) for one in findings]}, ensure_ascii=False))
    if faults:
        raise typer.Exit(2 if SETTINGS in faults else 1)


def _environment(data: "Path", given: Mapping[str, str]) -> Mapping[str, str]:
    """The environment; where it names no database, with the servers and secrets of `tessera dev`."""
    with_servers = with_servers_of(data)
    return with_servers if given.get("MONGO_URI") else {**kept_secrets(data), **with_servers}


def _print(finding: "Finding") -> None:
    typer.echo(f"{_MARKS[finding.level]}  {finding.check}: {finding.message}")
    if finding.advice:
        typer.echo(f"       → {finding.advice}")


def _examine(environment: Mapping[str, str], *, audit: bool) -> Iterator["Finding"]:
    from server.settings import Settings
    from services.examination import fault, note, well
    from services.settings import DatabaseSettings, SettingsError

    read: Settings | None = None
    try:
        read = Settings.from_environment(environment)
        yield well(SETTINGS, "those of the API can be worked with")
    except SettingsError as refused:
        for sentence in refused.faults:
            yield fault(SETTINGS, sentence, "the README lists every setting")
    else:
        for sentence in Settings.misspelt(environment):
            yield note(SETTINGS, sentence, "correct the name or remove it")
        if read.allow_weak_secrets:
            yield note(SETTINGS, "ALLOW_WEAK_SECRETS is on", "leave it to machines of developers")
    try:
        database = DatabaseSettings.from_environment(environment)
    except SettingsError:
        pass  # It is told of already.
    else:
        yield from _examine_database(database, audit=audit, events=bool(environment.get("KAFKA_URI")))
    if read is not None and read.jwks_url is not None:
        yield asyncio.run(_published(read.jwks_url))
    yield from _examine_kafka(environment)


def _examine_database(settings: "DatabaseSettings", *, audit: bool, events: bool) -> list["Finding"]:
    from server.cli.database import opened
    from services.examination import examine

    async def work() -> list["Finding"]:
        async with opened(settings) as services:
            return [finding async for finding in examine(services, audit=audit, events=events)]

    return asyncio.run(work())


async def _published(url: str) -> "Finding":
    """Whether keys of tokens can be fetched."""
    from server.fetched_keys import FetchedKeys
    from services.examination import fault, well

    keys = FetchedKeys(url, every=1)
    try:
        await keys.look_again()
    finally:
        await keys.close()
    if keys.trouble is None:
        return well("keys", "JWKS_URL publishes keys of RS256 or ES256")
    return fault("keys", f"JWKS_URL {keys.trouble}", "see that it is reached from here and holds a JWK Set")


def _examine_kafka(environment: Mapping[str, str]) -> Iterator["Finding"]:
    import consumers
    from services.examination import fault, note
    from services.settings import SettingsError

    if not environment.get("KAFKA_URI"):
        yield note("kafka", "KAFKA_URI is not set", "set it where events are to be written and read")
        return
    try:
        yield from consumers.examine(environment)
    except SettingsError as refused:
        for sentence in refused.faults:
            yield fault(SETTINGS, sentence, "the README lists every setting")
