"""`tessera keys`: a key on standard output alone, a list, an end, and refusals in sentences."""

import json
from pathlib import Path

from tests.integration.admin_keys.support import VIEWER, shown
from tests.support.api import running_api, settings_for
from tests.support.processes import environment, run

NAMES = "name role createdAt createdBy expiresAt lastUsedAt revokedAt"


def keys(database_uri: str, *words: str) -> tuple[int, str, str]:
    done = run("keys", *words, variables=environment(MONGO_URI=database_uri))
    return done.returncode, done.stdout, done.stderr


async def test_a_key_is_made_listed_used_and_revoked(database_uri: str) -> None:
    assert keys(database_uri, "list") == (0, "There are no keys but ADMIN_KEY.\n", "")
    code, key, told = keys(database_uri, "add", "ci", "--role", "support", "--expires", "2099-12-31")
    assert (code, told) == (0, "The key of ci (support), for x-admin-key. It cannot be shown again.\n")
    assert key.startswith("tsk_")
    assert key.count("\n") == 1
    async with running_api(settings_for(database_uri)) as api:
        viewer = (await api.data(VIEWER, headers=shown(key.strip())))["viewer"]
    assert viewer == {"name": "ci", "role": "SUPPORT", "isAdmin": True, "userId": None}
    _, listed, _ = keys(database_uri, "list", "--json")
    shown_key = json.loads(listed)
    assert shown_key["lastUsedAt"] is not None
    assert (shown_key["createdBy"], shown_key["expiresAt"]) == ("system", "2099-12-31T23:59:59.999Z")
    _, table, _ = keys(database_uri, "list")
    header, row = table.splitlines()
    assert header.split() == NAMES.split()
    assert row.split()[:2] == ["ci", "support"]
    assert keys(database_uri, "revoke", " ci") == (0, "The key of ci is revoked.\n", "")
    assert keys(database_uri, "revoke", "ci") == (1, "", "No key that could be used has the name ci\n")


def test_what_cannot_be_made_is_refused_in_a_sentence(database_uri: str) -> None:
    assert keys(database_uri, "add", "ci", "--role", "viewer")[0] == 0
    taken = "This name belongs to another key; revoke that one first, or choose another name\n"
    assert keys(database_uri, "add", "ci", "--role", "admin") == (1, "", taken)
    code, _, told = keys(database_uri, "add", " ", "--role", "admin", "--expires", "soon")
    assert code == 2
    assert told.splitlines()[0] == "name is required"
    assert told.splitlines()[1].startswith("expiresAt must be")
    code, _, told = keys(database_uri, "add", "ada", "--role", "admin", "--expires", "2020-01-01")
    assert (code, told) == (2, "expiresAt must lie in the future\n")
    assert keys(database_uri, "add", "ada", "--role", "root")[0] == 2
    assert keys(database_uri, "add", "ada")[0] == 2
    assert len(keys(database_uri, "list", "--json")[1].splitlines()) == 1


def test_without_a_uri_the_mongodb_of_dev_is_used_where_one_runs(database_uri: str, tmp_path: Path) -> None:
    done = run("keys", "list", "--data", str(tmp_path), variables=environment())
    assert done.returncode == 2
    assert "MONGO_URI is missing" in done.stderr
