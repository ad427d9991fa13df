"""The keys that tokens are judged by: each is for one algorithm, whatever a token's header says.

PyJWT's `PyJWK` binds a key to its algorithm, so that no public key is ever taken for a secret.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import jwt
from jwt import PyJWK, PyJWKSet
from jwt.algorithms import HMACAlgorithm, get_default_algorithms
from typing_extensions import override

from models.errors import InvalidToken

SECRET = "HS256"
PUBLIC = ("RS256", "ES256")
"""The algorithms: one for secrets, two for pairs of keys of which the public ones are here."""
PEM = "-----BEGIN "
HEADERS = 64
"""So many different headers of tokens are remembered: all tokens of a key share one."""


class KeyFault(ValueError):
    """What was given is no key that tokens can be judged by; the message is the rest of a sentence about it."""


class Header(NamedTuple):
    """What a token says of itself, before anybody has judged it."""

    algorithm: str
    key_id: str | None


class _Prepared(HMACAlgorithm):
    """HS256 with a secret that was judged when it was read.

    PyJWT would look for each token anew whether the secret is a key in PEM, DER or JSON, which takes as long as all
    the rest.
    """

    @override
    def prepare_key(self, key: str | bytes) -> bytes:
        assert isinstance(key, bytes)
        return key


def read_key(text: str, key_id: str | None = None) -> PyJWK:
    """A public key in PEM, or a secret. Raises `KeyFault`."""
    return public_key(text, key_id) if text.startswith(PEM) else secret_key(text, key_id)


def secret_key(secret: str, key_id: str | None = None) -> PyJWK:
    """A secret of HS256. Raises `KeyFault` for a text that is a key of another kind."""
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise KeyFault("is a public key, a certificate or a JWK and no secret") from None
    key = PyJWK(HMACAlgorithm.to_jwk(secret, as_dict=True) | _named(key_id), SECRET)
    key.Algorithm = _Prepared(HMACAlgorithm.SHA256)
    return key


def public_key(pem: str, key_id: str | None = None) -> PyJWK:
    """A public key in PEM: RSA for RS256, P-256 for ES256. Raises `KeyFault`."""
    for name in PUBLIC:
        algorithm = get_default_algorithms()[name]
        try:
            described = algorithm.to_jwk(algorithm.prepare_key(pem), as_dict=True)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        if "d" in described:
            raise KeyFault("is a private key, which belongs to the one who signs; its public key is wanted")
        key = PyJWK(described | _named(key_id), name)
        if key.Algorithm.check_key_length(key.key) is None:
            return key
    raise KeyFault("is no public key in PEM: RSA of at least 2048 bits, or P-256")


def read_key_set(document: object) -> tuple[PyJWK, ...]:
    """The keys of a JWK Set (RFC 7517) that are for signatures of RS256 and ES256. Raises `KeyFault` without any.

    Others are passed over: a set may have keys for encryption or for algorithms of other services. A secret that
    everyone can fetch is none.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise KeyFault("is no JWK Set")
    try:
        found = PyJWKSet([one for one in listed if isinstance(one, dict) and _is_to_verify(one)]).keys
    except jwt.PyJWTError:
        found = []
    usable = [key for key in found if key.algorithm_name in PUBLIC and key.Algorithm.check_key_length(key.key) is None]
    if not usable:
        raise KeyFault("has no key for RS256 or ES256")
    return tuple(usable)


def _is_to_verify(described: Mapping[str, object]) -> bool:
    operations = described.get("key_ops", ["verify"])
    return (
        described.get("use") in (None, "sig")
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(described.get("kid"), str | None)
        and described.get("alg") in (None, *PUBLIC)
        and described.get("kty") in ("RSA", "EC")
        and "d" not in described
    )


def _named(key_id: str | None) -> dict[str, str]:
    return {} if key_id is None else {"kid": key_id}


def header_of(token: str) -> Header:
    """The header of a token. Raises `InvalidToken` where it has none."""
    return _read_header(token.partition(".")[0])


@lru_cache(HEADERS)
def _read_header(encoded: str) -> Header:
    try:
        header = jwt.get_unverified_header(f"{encoded}..")
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidToken() from None
    algorithm = header.get("alg")
    return Header(algorithm if isinstance(algorithm, str) else "", header.get("kid"))


class KeyRing:
    """Some keys, found by a token's header."""

    def __init__(self, keys: Iterable[PyJWK] = ()) -> None:
        self._keys = tuple(keys)
        self._ids = {key.key_id for key in self._keys if key.key_id is not None}

    def knows(self, key_id: str | None) -> bool:
        """Whether one of the keys bears this name."""
        return key_id in self._ids

    def matching(self, token: str) -> tuple[PyJWK, ...]:
        """The keys that may have signed a token. Raises `InvalidToken` where it has no header.

        A key that has a name has not signed what names another; where either side leaves it open, the signature says.
        """
        if len(self._keys) == 1 and not self._ids:
            return self._keys  # The header need not be read: the key is bound to its algorithm.
        algorithm, key_id = header_of(token)
        return tuple(
            key
            for key in self._keys
            if key.algorithm_name == algorithm and (key_id is None or key.key_id in (None, key_id))
        )
