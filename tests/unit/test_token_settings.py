"""`JWT_SEC`, `JWT_KEYS`, `JWKS_URL` and what goes with them, as they are written and as they are refused."""

import json
from pathlib import Path

import pytest

from server.token_settings import GivenKey, TokenSettings
from services.settings import SettingsError
from tests.support.signing import ec_key, private_pem, public_pem, rsa_key

SECRET = "s" * 32
RSA, EC = public_pem(rsa_key()).strip(), public_pem(ec_key()).strip()
FORM = "JWT_KEYS must be PEM public keys, or a JSON list of secrets and PEM public keys"


def keys(raw: object) -> tuple[GivenKey, ...]:
    written = raw if isinstance(raw, str) else json.dumps(raw)
    return TokenSettings.from_environment({"JWT_KEYS": written}).given_keys


def faults(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        TokenSettings.from_environment(variables)
    return list(raised.value.faults)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ([SECRET], [GivenKey(SECRET)]),
        ([f" {SECRET}\n", {"kid": "new", "key": SECRET}], [GivenKey(SECRET), GivenKey(SECRET, "new")]),
        ([RSA, {"key": EC, "kid": "ec"}], [GivenKey(RSA), GivenKey(EC, "ec")]),
        (RSA, [GivenKey(RSA)]),
        (f"{RSA}\n\n{EC}\n", [GivenKey(RSA), GivenKey(EC)]),
    ],
)
def test_keys_are_read_in_each_form(raw: object, read: list[GivenKey]) -> None:
    assert keys(raw) == tuple(read)


def test_a_file_of_pem_is_enough(tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_text(f"{RSA}\n")
    settings = TokenSettings.from_environment({"JWT_KEYS_FILE": str(tmp_path / "public.pem")})
    assert settings.given_keys == (GivenKey(RSA),)


def test_the_secret_of_before_stands_first() -> None:
    both = {"JWT_SEC": SECRET, "JWT_KEYS": json.dumps([SECRET[::-1] + "x"])}
    assert TokenSettings.from_environment(both).given_keys[0] == GivenKey(SECRET)


@pytest.mark.parametrize(
    "raw",
    [
        "hunter22",
        "[]",
        "{}",
        "[5]",
        '[""]',
        '[{"key": ""}]',
        '[{"kid": "a"}]',
        '[{"key": "hunter22", "kid": 5}]',
        '[{"key": "hunter22", "kid": ""}]',
        '[{"key": "hunter22", "alg": "HS512"}]',
        "[" * 100_000,
        f"{RSA}\nand more",
        "-----BEGIN PUBLIC KEY-----\nhunter22",
    ],
)
def test_what_is_no_list_of_keys_is_refused_and_not_shown(raw: str) -> None:
    [fault] = faults(JWT_KEYS=raw)
    assert fault.startswith(FORM)
    assert "hunter22" not in fault


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("hunter22", "must be at least 32 bytes (ALLOW_WEAK_SECRETS=1 lifts this)"),
        (private_pem(rsa_key()), "is a private key, which belongs to the one who signs; its public key is wanted"),
        (private_pem(ec_key()), "is a private key, which belongs to the one who signs; its public key is wanted"),
        (public_pem(rsa_key(bits=1024)), "is no public key in PEM: RSA of at least 2048 bits, or P-256"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "is no public key in PEM: RSA of at least 2048 bits, or P-256",
        ),
        (
            '{"kty": "oct", "k": "aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8"}',
            "is a public key, a certificate or a JWK and no secret",
        ),
    ],
)
def test_a_key_that_is_no_good_is_told_by_its_number(key: str, said: str) -> None:
    assert faults(JWT_KEYS=json.dumps([SECRET, key])) == [f"JWT_KEYS number 2 {said}"]


def test_a_name_is_that_of_one_key() -> None:
    twice = [{"kid": "a", "key": SECRET}, {"kid": "a", "key": RSA}]
    assert faults(JWT_KEYS=json.dumps(twice)) == ["JWT_KEYS gives one kid to several keys"]


def test_tokens_need_a_key_from_somewhere() -> None:
    assert faults() == ["JWT_SEC is missing: tokens are judged by it, by JWT_KEYS or by JWKS_URL"]
    assert TokenSettings.from_environment({"JWKS_URL": "https://id.example/keys"}).given_keys == ()


def test_a_public_key_is_no_secret() -> None:
    [fault] = faults(JWT_SEC=RSA)
    assert fault == "JWT_SEC is a public key, a certificate or a JWK and no secret; JWT_KEYS takes public keys"


@pytest.mark.parametrize(
    "url", ["https://id.example/keys", "http://127.0.0.1:80/", "http://localhost", "http://[::1]:9"]
)
def test_a_key_set_comes_from_where_nobody_can_change_it(url: str) -> None:
    assert TokenSettings.from_environment({"JWKS_URL": url}).jwks_url == url.rstrip("/")


def test_a_key_set_that_anybody_on_the_way_can_change_is_refused_unless_allowed() -> None:
    url = "http://id.example/keys"
    assert faults(JWKS_URL=url) == ["JWKS_URL must be an https:// URL (ALLOW_WEAK_SECRETS=1 lifts this)"]
    assert TokenSettings.from_environment({"JWKS_URL": url, "ALLOW_WEAK_SECRETS": "1"}).jwks_url == url


def test_no_secret_is_shown() -> None:
    told = {
        "JWT_KEYS": json.dumps([SECRET, {"kid": "a", "key": SECRET[::-1]}]),
        "JWKS_URL": "https://u:hunter22@id.example",
    }
    shown = repr(TokenSettings.from_environment(told))
    assert SECRET not in shown
    assert "hunter22" not in shown
