"""Trusted documents: Apollo's protocol by POST, GET and WebSocket, and the rule that no other document runs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graphql_engine.manifest import digest
from server.settings import Settings
from services.settings import SettingsError
from tests.integration.graphql.conftest import asgi_client, served
from tests.support.api import ADMIN_KEY, JWT_SECRET
from tests.support.manifests import faulty_manifests
from tests.support.processes import environment, run
from tests.support.sample import sample_app, sample_settings
from tests.support.talk import talk

TRUSTED = "query Greet($name: String) { greeting(name: $name) }"
OTHER = '{ greeting(name: "other") }'
MANIFEST = {digest(TRUSTED): TRUSTED}
COUNTDOWN = "subscription { countdown(start: 1) }"
NOT_FOUND = {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
NOT_SUPPORTED = {"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}
FORBIDDEN = {
    "message": "Only trusted documents are served",
    "extensions": {"code": "FORBIDDEN", "reason": "NOT_ALLOWED"},
}


def named(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


@asynccontextmanager
async def served_in(mode: str) -> AsyncIterator[httpx.AsyncClient]:
    async with asgi_client(trusted_documents=mode, trusted_manifest=MANIFEST) as client:
        yield client


async def post(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await client.post("/graphql", json=body, headers=headers)


@pytest.mark.parametrize("mode", ["allow", "require"])
async def test_a_document_of_the_manifest_is_named_by_post_and_get(mode: str) -> None:
    async with served_in(mode) as client:
        answer = await post(client, extensions=named(TRUSTED), variables={"name": "Ada"})
        assert answer.json() == {"data": {"greeting": "Hello, Ada"}}
        parameters = {"extensions": json.dumps(named(TRUSTED)), "variables": '{"name": "Bob"}'}
        answer = await client.get("/graphql", params=parameters)
        assert answer.json() == {"data": {"greeting": "Hello, Bob"}}


async def test_a_hash_may_be_written_in_upper_case() -> None:
    async with served_in("allow") as client:
        extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest(TRUSTED).upper()}}
        assert (await post(client, extensions=extensions)).json() == {"data": {"greeting": "Hello, you"}}


async def test_an_unknown_document_is_asked_for_and_then_known() -> None:
    async with served_in("allow") as client:
        answer = await post(client, extensions=named(OTHER))
        assert (answer.status_code, answer.json()) == (200, {"errors": [NOT_FOUND]})
        strict = {"accept": "application/graphql-response+json"}
        assert (await post(client, strict, extensions=named(OTHER))).status_code == 400
        for body in ({"query": OTHER, "extensions": named(OTHER)}, {"extensions": named(OTHER)}):
            assert (await post(client, **body)).json() == {"data": {"greeting": "Hello, other"}}


async def test_where_trust_is_off_hashes_are_not_supported_and_texts_run() -> None:
    async with served_in("off") as client:
        assert (await post(client, extensions=named(TRUSTED))).json() == {"errors": [NOT_SUPPORTED]}
        answer = await post(client, query=OTHER, extensions=named(OTHER))
        assert answer.json() == {"data": {"greeting": "Hello, other"}}
        assert (await post(client, extensions=named(OTHER))).json() == {"errors": [NOT_SUPPORTED]}


async def test_where_trust_is_required_nothing_else_runs_nor_is_registered() -> None:
    async with served_in("require") as client:
        for body in ({"query": OTHER}, {"query": OTHER, "extensions": named(OTHER)}):
            answer = await post(client, **body)
            assert (answer.status_code, answer.json()) == (403, {"errors": [FORBIDDEN]})
        assert (await post(client, extensions=named(OTHER))).json() == {"errors": [NOT_FOUND]}
        assert (await client.get("/graphql", params={"query": OTHER})).status_code == 403
        assert (await post(client, query=TRUSTED)).json() == {"data": {"greeting": "Hello, you"}}


async def test_where_trust_is_required_an_admin_still_explores() -> None:
    async with served_in("require") as client:
        answer = await post(client, {"x-admin-key": ADMIN_KEY}, query="{ __schema { queryType { name } } }")
        assert answer.json() == {"data": {"__schema": {"queryType": {"name": "Query"}}}}


@pytest.mark.parametrize("mode", ["off", "allow", "require"])
async def test_a_hash_that_is_not_the_documents_is_refused(mode: str) -> None:
    async with served_in(mode) as client:
        [error] = (await post(client, query=TRUSTED, extensions=named(OTHER))).json()["errors"]
        assert error == {"message": "provided sha does not match query", "extensions": {"code": "BAD_USER_INPUT"}}


@pytest.mark.parametrize(
    "persisted",
    [5, [], {}, {"version": 1}, {"version": 2, "sha256Hash": digest(TRUSTED)}, {"version": 1, "sha256Hash": 5}],
)
async def test_a_malformed_name_is_refused(persisted: object) -> None:
    async with served_in("allow") as client:
        [error] = (await post(client, extensions={"persistedQuery": persisted})).json()["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
        assert error["message"].startswith("extensions.persistedQuery must be")


@pytest.mark.parametrize("body", [{}, {"extensions": {}}, {"extensions": {"persistedQuery": None}}, {"query": 5}])
async def test_neither_text_nor_hash_is_bad_input(body: dict[str, Any]) -> None:
    async with served_in("allow") as client:
        answer = await post(client, **body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_websocket_names_queries_and_subscriptions_too() -> None:
    manifest = {digest(text): text for text in (TRUSTED, COUNTDOWN)}
    settings = sample_settings(trusted_documents="require", trusted_manifest=manifest)
    async with served(sample_app(settings)) as address, talk(address) as one:
        await one.begin()

        async def ask(identifier: str, **payload: Any) -> dict[str, Any]:
            await one.say({"id": identifier, "type": "subscribe", "payload": payload})
            return await one.hear()

        answer = await ask("1", extensions=named(TRUSTED), variables={"name": "Ada"})
        assert answer == {"id": "1", "type": "next", "payload": {"data": {"greeting": "Hello, Ada"}}}
        assert await one.hear() == {"id": "1", "type": "complete"}
        answer = await ask("2", extensions=named(COUNTDOWN))
        assert answer == {"id": "2", "type": "next", "payload": {"data": {"countdown": 1}}}
        assert await one.hear() == {"id": "2", "type": "complete"}
        assert await ask("3", extensions=named(OTHER)) == {"id": "3", "type": "error", "payload": [NOT_FOUND]}
        assert await ask("4", query=OTHER) == {"id": "4", "type": "error", "payload": [FORBIDDEN]}
        answer = await ask("5", query=TRUSTED)
        assert answer["payload"] == {"data": {"greeting": "Hello, you"}}


@faulty_manifests
def test_a_manifest_at_fault_is_refused_at_start_up(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "manifest.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match=f"TRUSTED_MANIFEST .*{message}"):
        Settings.from_environment({"TRUSTED_DOCUMENTS": "allow", "TRUSTED_MANIFEST": str(path)})


def test_requiring_trust_needs_a_manifest() -> None:
    with pytest.raises(SettingsError, match="TRUSTED_MANIFEST is missing"):
        Settings.from_environment({"TRUSTED_DOCUMENTS": "require"})


def test_trust_makes_the_manifest_that_the_settings_read(tmp_path: Path) -> None:
    folder = tmp_path / "operations"
    folder.mkdir()
    text = "query Viewer { viewer { ...F } }\nfragment F on Viewer { userId }\n"
    (folder / "viewer.graphql").write_text(text)
    (folder / "notes.txt").write_text("no document")
    stats = tmp_path / "stats.graphql"
    stats.write_bytes(b"{ couponStats { totalCoupons } }\r\n")
    manifest = tmp_path / "manifest.json"
    done = run("trust", str(folder), str(stats), "-o", str(manifest), variables=environment())
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{manifest}: 2 documents\n"
    variables = {"MONGO_URI": "mongodb://db", "JWT_SEC": JWT_SECRET, "ADMIN_KEY": ADMIN_KEY}
    settings = Settings.from_environment(
        variables | {"TRUSTED_DOCUMENTS": "require", "TRUSTED_MANIFEST": str(manifest)}
    )
    assert settings.trusted_manifest == {digest(one): one for one in (text, stats.read_bytes().decode())}
    assert run("trust", str(folder), str(stats), variables=environment()).stdout == manifest.read_text()


def test_trust_names_every_fault_of_every_file_and_writes_nothing(tmp_path: Path) -> None:
    for name, text in {
        "syntax": "{ viewer {",
        "unknown": "{ viewer { age } }\n",
        "fragment": "fragment F on Viewer { userId }",
    }.items():
        (tmp_path / f"{name}.graphql").write_text(text)
    (tmp_path / "binary.graphql").write_bytes(b"\xff")
    manifest = tmp_path / "manifest.json"
    done = run("trust", str(tmp_path), str(tmp_path / "gone"), "-o", str(manifest), variables=environment())
    assert done.returncode == 1
    assert not manifest.exists()
    faults = "\n".join(sorted(done.stderr.splitlines()))
    for name, fault in (
        ("binary", ": not UTF-8"),
        ("syntax", ":1:11: Syntax Error"),
        ("unknown", ":1:12: Cannot query field 'age'"),
        ("fragment", ": The document has no operation."),
    ):
        assert f"{tmp_path / name}.graphql{fault}" in faults
    assert f"{tmp_path / 'gone'}: No such file" in faults


def test_trust_needs_documents(tmp_path: Path) -> None:
    done = run("trust", str(tmp_path), variables=environment())
    assert (done.returncode, done.stderr) == (1, "There are no .graphql files.\n")
