"""The rules of admin keys: how a key is known, who may have which name, when it ends, and what shows nothing of it."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import pytest

from models.admin_keys.admin_key import (
    PREFIX,
    SECRET_BYTES,
    AdminKey,
    AdminKeyNameTaken,
    AdminKeyNotFound,
    CreateAdminKey,
    MakeAdminKey,
    NewAdminKey,
    hash_of,
    is_shaped_as_key,
    make_key,
    revoke_key,
)
from models.errors import InvalidInput
from models.inputs import parse
from models.principal import ActingKey, Role
from schema.admin_key import AdminKey as ShownKey
from schema.admin_key import CreateAdminKeyPayload

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOON, AGO = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
KEY = AdminKey("a" * 24, "ci", Role.SUPPORT, AGO, "admin")


def make(name: str = "ci", expires_at: datetime | None = None) -> MakeAdminKey:
    return MakeAdminKey(CreateAdminKey(name, Role.VIEWER, expires_at), "b" * 24, "a hash", "grace")


def test_a_key_is_256_bits_behind_its_prefix_and_known_by_its_hash() -> None:
    key = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    assert is_shaped_as_key(key)
    assert len(key) == len(PREFIX) + 43
    assert hash_of("tsk_x") == "57ab5bd078b86d3553bc5e1006c7b6ae96c5e01123ac6a54da91372892168465"
    for other in ("", key[4:], key[:-1], key + "A", key.upper(), f" {key}", f"{key}\n", key[:-1] + "é"):
        assert not is_shaped_as_key(other), other


def test_a_new_key_says_who_made_it_and_takes_a_name_that_nobody_has() -> None:
    new, unnamed = make_key(make("ada", SOON), [], now=NOW)
    assert new == AdminKey("b" * 24, "ada", Role.VIEWER, NOW, "grace", SOON)
    assert unnamed == []
    assert new.acting() == ActingKey("ada", Role.VIEWER, "b" * 24, SOON.timestamp())
    assert KEY.acting() == ActingKey("ci", Role.SUPPORT, "a" * 24, inf)


@pytest.mark.parametrize(
    ("command", "named", "refusal"),
    [
        (make(), [KEY], AdminKeyNameTaken),
        (make(), [replace(KEY, expires_at=SOON)], AdminKeyNameTaken),
        (make("admin"), [], AdminKeyNameTaken),
        (make("system"), [], AdminKeyNameTaken),
        (make("anonymous"), [], AdminKeyNameTaken),
        (make(expires_at=NOW), [], InvalidInput),
        (make("admin", AGO), [KEY], InvalidInput),
    ],
)
def test_what_keeps_a_key_from_being_made(
    command: MakeAdminKey, named: list[AdminKey], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        make_key(command, named, now=NOW)


def test_an_expired_key_gives_up_its_name() -> None:
    expired = replace(KEY, expires_at=NOW)
    new, unnamed = make_key(make(), [expired], now=NOW)
    assert new.holds_name
    assert unnamed == [replace(expired, holds_name=False)]


@pytest.mark.parametrize(
    ("key", "is_live"),
    [
        (KEY, True),
        (replace(KEY, expires_at=SOON), True),
        (replace(KEY, expires_at=NOW), False),
        (replace(KEY, revoked_at=AGO), False),
        (replace(KEY, expires_at=SOON, revoked_at=NOW), False),
    ],
)
def test_a_key_lets_nobody_in_once_it_has_expired_or_is_revoked(key: AdminKey, is_live: bool) -> None:
    assert key.is_live(NOW) is is_live


def test_a_key_is_revoked_once() -> None:
    revoked = revoke_key(KEY, now=NOW)
    assert (revoked.revoked_at, revoked.holds_name) == (NOW, False)
    assert revoke_key(revoked, now=SOON) is revoked
    with pytest.raises(AdminKeyNotFound):
        revoke_key(None, now=NOW)


@pytest.mark.parametrize(
    ("raw", "faults"),
    [
        ({}, ["name is required", "role is required"]),
        ({"name": " \u200b", "role": "viewer"}, ["name is required"]),
        ({"name": "n" * 65, "role": "root"}, ["name must be at most 64", "role must be viewer or support or admin"]),
        ({"name": "a\x00b", "role": None}, ["name must not contain a NUL", "role is required"]),
        (
            {"name": 5, "role": 5, "expiresAt": "soon", "key": "mine"},
            ["key is not", "name must", "role", "expires"],
        ),
    ],
)
def test_every_fault_of_what_is_asked_for_is_said_at_once(raw: dict[str, Any], faults: list[str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(CreateAdminKey, raw)
    said = [fault.message for fault in raised.value.faults]
    assert len(said) == len(faults), said
    assert all(message.startswith(fault) for message, fault in zip(said, faults, strict=True)), said


def test_a_name_is_cleaned() -> None:
    assert parse(CreateAdminKey, {"name": " ci\u200b ", "role": Role.ADMIN}) == CreateAdminKey("ci", Role.ADMIN)


def test_no_text_of_what_holds_a_secret_shows_it() -> None:
    new = NewAdminKey(KEY, "tsk_secret")
    shown = [new, MakeAdminKey(make().wanted, KEY.id, "tsk_hash", "ada")]
    payload = CreateAdminKeyPayload(admin_key=ShownKey.of(KEY), key="tsk_secret")
    assert "tsk_" not in "".join(map(repr, [*shown, payload])) + "".join(map(str, [*shown, payload]))
