"""Which tokens hold: by which key, of which algorithm, from whom and for whom."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.claims import Claims
from models.errors import InvalidToken
from server.token_keys import KeyFault, read_key_set
from server.token_settings import TokenSettings
from server.token_verifier import TokenVerifier
from tests.support.signing import ec_key, jwk, public_pem, rsa_key, signed_by

OLD, NEW, OTHER = (
    "an-old-secret-of-32-bytes-or-more",
    "a-new-secret-of-32-bytes-or-more!",
    "none-of-our-secrets-but-32-bytes!",
)
RSA, EC = public_pem(rsa_key()), public_pem(ec_key())


def verifier(*keys: Any, **variables: str) -> TokenVerifier:
    told = {"JWT_KEYS": json.dumps(keys)} if keys else {}
    return TokenVerifier(TokenSettings.from_environment(told | variables), time.time)


async def user_of(token: str, *keys: Any, **variables: str) -> str:
    return (await verifier(*keys, **variables).read(token)).user_id


def named(kid: str, key: str) -> dict[str, str]:
    return {"kid": kid, "key": key}


@pytest.mark.parametrize(
    ("keys", "token"),
    [
        ([OLD], signed_by(OLD)),
        ([OLD], signed_by(OLD, "any")),
        ([OLD, NEW], signed_by(OLD)),
        ([OLD, NEW], signed_by(NEW)),
        ([named("old", OLD), named("new", NEW)], signed_by(OLD, "old")),
        ([named("old", OLD), named("new", NEW)], signed_by(NEW, "new")),
        ([named("old", OLD), named("new", NEW)], signed_by(NEW)),
        ([OLD, named("new", NEW)], signed_by(OLD, "whatever")),
        ([RSA], signed_by(rsa_key())),
        ([EC], signed_by(ec_key())),
        ([OLD, named("r", RSA), named("e", EC)], signed_by(OLD)),
        ([OLD, named("r", RSA), named("e", EC)], signed_by(rsa_key(), "r")),
        ([OLD, named("r", RSA), named("e", EC)], signed_by(ec_key(), "e")),
    ],
)
async def test_a_token_of_one_of_the_keys_names_its_user(keys: list[Any], token: str) -> None:
    assert await user_of(token, *keys) == "ada"


def confused(pem: str, kid: str | None = None) -> str:
    """A token that takes a public key, which everyone knows, for the secret of HS256."""
    header: dict[str, str] = {"alg": "HS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    claims = {"userId": "eve", "userType": ["admin"], "exp": time.time() + 60}
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (header, claims)]
    signature = hmac.new(pem.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def with_header(token: str, **header: Any) -> str:
    """The same claims and signature under another header."""
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return ".".join([encoded, *token.split(".")[1:]])


ALL = [OLD, named("r", RSA), named("e", EC)]
UNSIGNED = jwt.encode({"userId": "eve", "exp": 9e9}, "", algorithm="none")


@pytest.mark.parametrize(
    ("keys", "token"),
    [
        ([OLD], signed_by(NEW)),
        ([OLD, NEW], signed_by(OTHER)),
        ([named("old", OLD)], signed_by(OLD, "new")),
        ([named("old", OLD), named("new", NEW)], signed_by(OLD, "new")),
        ([named("old", OLD), named("new", NEW)], signed_by(OTHER, "unknown")),
        ([RSA], signed_by(rsa_key(1))),
        ([EC], signed_by(ec_key(1))),
        ([RSA], signed_by(ec_key())),
        ([RSA], confused(RSA)),
        ([EC], confused(EC)),
        (ALL, confused(RSA, "r")),
        (ALL, confused(RSA.strip(), "r")),
        (ALL, confused(EC, "e")),
        (ALL, UNSIGNED),
        ([OLD], UNSIGNED),
        (ALL, jwt.encode({"userId": "eve", "exp": 9e9}, OLD + "x" * 32, algorithm="HS512")),
        (ALL, jwt.encode({"userId": "eve", "exp": 9e9}, rsa_key(), algorithm="RS512", headers={"kid": "r"})),
        (ALL, jwt.encode({"userId": "eve", "exp": 9e9}, rsa_key(), algorithm="PS256", headers={"kid": "r"})),
        (ALL, with_header(signed_by(rsa_key(), "r"), alg="none")),
        (ALL, with_header(signed_by(rsa_key(), "r"), alg="HS256", kid="r")),
        (ALL, with_header(signed_by(rsa_key(), "r"), alg="RS256", kid=["r"])),
        (ALL, with_header(signed_by(rsa_key(), "r"), alg=["RS256"], kid="r")),
        (ALL, with_header(signed_by(rsa_key(), "r"), kid="r")),
        (ALL, "a.b"),
        (ALL, "....."),
        (ALL, ""),
        (ALL, "é.é.é"),
    ],
)
async def test_a_token_of_no_key_or_of_another_algorithm_names_nobody(keys: list[Any], token: str) -> None:
    with pytest.raises(InvalidToken):
        await user_of(token, *keys)


@pytest.mark.parametrize(
    ("claims", "holds"),
    [
        ({"iss": "https://id.example", "aud": "shop"}, True),
        ({"iss": "https://id.example", "aud": ["other", "tessera"]}, True),
        ({"iss": "https://id.example/", "aud": "shop"}, False),
        ({"iss": ["https://id.example"], "aud": "shop"}, False),
        ({"iss": "https://id.example", "aud": "other"}, False),
        ({"iss": "https://id.example", "aud": []}, False),
        ({"iss": "https://id.example", "aud": {"shop": 1}}, False),
        ({"iss": "https://id.example"}, False),
        ({"aud": "shop"}, False),
    ],
)
async def test_issuer_and_audience_are_judged_where_they_are_told(claims: dict[str, Any], holds: bool) -> None:
    told = {"JWT_SEC": OLD, "JWT_ISSUER": "https://id.example", "JWT_AUDIENCE": "shop, tessera"}
    token = signed_by(OLD, **claims)
    assert await user_of(token, JWT_SEC=OLD) == "ada"
    if holds:
        assert await user_of(token, **told) == "ada"
    else:
        with pytest.raises(InvalidToken):
            await user_of(token, **told)


@pytest.mark.parametrize(
    ("name", "claims", "types"),
    [
        ("roles", {"roles": ["admin"]}, ("admin",)),
        ("realm_access.roles", {"realm_access": {"roles": ["shop", "admin"]}}, ("shop", "admin")),
        ("https://shop.example/roles", {"https://shop.example/roles": ["admin"]}, ("admin",)),
        ("a.b", {"a.b": ["admin"], "a": {"b": ["shop"]}}, ("admin",)),
        ("realm_access.roles", {"realm_access": ["roles"], "userType": ["admin"]}, ()),
        ("roles", {"userType": ["admin"]}, ()),
    ],
)
async def test_claims_are_called_as_whoever_signs_calls_them(
    name: str, claims: dict[str, Any], types: tuple[str, ...]
) -> None:
    token = signed_by(OLD, sub="grace", **claims)
    said = await verifier(JWT_SEC=OLD, JWT_USER_CLAIM="sub", JWT_TYPES_CLAIM=name).read(token)
    assert isinstance(said, Claims)
    assert (said.user_id, said.user_types) == ("grace", types)


async def test_a_claim_of_another_name_names_nobody() -> None:
    with pytest.raises(InvalidToken):
        await user_of(signed_by(OLD), JWT_SEC=OLD, JWT_USER_CLAIM="sub")


def test_of_a_key_set_only_what_verifies_is_taken() -> None:
    good = [jwk(rsa_key(), "r", use="sig", alg="RS256"), jwk(ec_key(), "e"), jwk(rsa_key(1), None)]
    others = [
        jwk(rsa_key(2), "enc", use="enc"),
        jwk(rsa_key(2), "oaep", alg="RSA-OAEP"),
        jwk(rsa_key(2), "ps", alg="PS256"),
        jwk(rsa_key(2), "512", alg="RS512"),
        jwk(rsa_key(2), "wraps", key_ops=["wrapKey"]),
        jwk(rsa_key(2), "private", d="AQAB"),
        jwk(rsa_key(2), "confused", alg="HS256"),
        jwk(rsa_key(0, 1024), "short"),
        jwk(ec_key(), "named") | {"kid": 5},
        jwk(ec_key(), "curve", crv="P-521"),
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "secret"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "RSA", "n": 5, "e": None},
        "no key",
        None,
    ]
    assert [key.key_id for key in read_key_set({"keys": [*others, *good]})] == ["r", "e", None]
    documents: list[object] = [{"keys": others}, {"keys": []}, {"keys": None}, {}, [], None, "x"]
    for document in documents:
        with pytest.raises(KeyFault):
            read_key_set(document)


ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.lists(st.text(max_size=3), max_size=3)
MEMBERS = ["kty", "kid", "use", "alg", "key_ops", "n", "e", "x", "y", "crv", "k"]
LIKELY = st.sampled_from(["RSA", "EC", "oct", "OKP", "RS256", "ES256", "HS256", "P-256", "sig", "AQAB"])


@given(st.lists(st.dictionaries(st.sampled_from(MEMBERS), LIKELY | ODD, max_size=8) | ODD, max_size=3))
def test_no_key_set_breaks_its_reader(keys: list[object]) -> None:
    with pytest.raises(KeyFault):
        read_key_set({"keys": keys})
