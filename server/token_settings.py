"""What is told of tokens: by which keys they are judged, who may have made them, and what their claims are called."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from services.settings import Malformed, ProcessSettings, Sign, Url, whole, written

# Set by `tessera dev` for its own API process: short secrets are allowed and the tools are open.
DEVELOPMENT = "TESSERA_DEVELOPMENT"
MINIMUM_SECRET_BYTES = 32
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_KEYS_FORM = (
    "must be PEM public keys, or a JSON list of secrets and PEM public keys, "
    'such as ["…", {"kid": "2026-11", "key": "…"}]'
)


@dataclass(frozen=True, slots=True)
class GivenKey:
    """A secret or a PEM public key, and its name where it has one."""

    text: str = field(repr=False)
    key_id: str | None = None


def _given_keys(raw: str) -> tuple[GivenKey, ...]:
    if raw.startswith("-----BEGIN "):
        if _PEM.sub("", raw).strip():
            raise Malformed(_KEYS_FORM)
        return tuple(GivenKey(found[0]) for found in _PEM.finditer(raw))
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        raise Malformed(_KEYS_FORM) from None
    if not isinstance(listed, list) or not listed:
        raise Malformed(_KEYS_FORM)
    return tuple(map(_given_key, listed))


def _given_key(item: object) -> GivenKey:
    match item:
        case str(text) if text.strip():
            return GivenKey(text.strip())
        case {"key": str(text), **others} if text.strip() and others.keys() <= {"kid"}:
            if "kid" not in others:
                return GivenKey(text.strip())
            if isinstance(others["kid"], str) and others["kid"]:
                return GivenKey(text.strip(), others["kid"])
    raise Malformed(_KEYS_FORM)


def _words(raw: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, raw.split(","))))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TokenSettings(ProcessSettings):
    """How tokens are judged. At least one of `jwt_secret`, `jwt_keys` and `jwks_url` is there."""

    open_tools: Sign = Field(default=False, validation_alias=DEVELOPMENT)
    """True in `tessera dev`: introspection and GraphiQL are for everyone, pages of this machine may call."""
    allow_weak_secrets: Sign = False
    jwt_issuer: str | None = None
    jwt_audience: Annotated[tuple[str, ...], written(_words)] = ()
    """A token has to be for one of these; none: whom it is for is not judged."""
    jwt_user_claim: str = "userId"
    jwt_types_claim: str = "userType"
    jwt_keys: Annotated[tuple[GivenKey, ...], written(_given_keys)] = Field(default=(), repr=False)
    jwks_url: Url | None = Field(default=None, repr=False)
    jwks_refresh: Annotated[int, whole(1, 86_400)] = 300
    """Seconds after which the keys of `jwks_url` are fetched again."""
    jwt_secret: str | None = Field(default=None, validation_alias="JWT_SEC", repr=False, validate_default=True)

    @property
    def given_keys(self) -> tuple[GivenKey, ...]:
        """The keys that need not be fetched, `jwt_secret` first."""
        return (*(() if self.jwt_secret is None else (GivenKey(self.jwt_secret),)), *self.jwt_keys)

    @field_validator("jwt_keys")
    @classmethod
    def _are_keys(cls, keys: tuple[GivenKey, ...], info: ValidationInfo) -> tuple[GivenKey, ...]:
        faults = [f"number {number} {fault}" for number, key in enumerate(keys, 1) for fault in _faults_of(key, info)]
        named = [key.key_id for key in keys if key.key_id is not None]
        if len(set(named)) < len(named):
            faults.append("gives one kid to several keys")
        if faults:
            raise Malformed(*faults)
        return keys

    @field_validator("jwks_url")
    @classmethod
    def _is_fetched_safely(cls, url: str | None, info: ValidationInfo) -> str | None:
        plain = url is not None and url.startswith("http://") and not _is_this_machine(urlsplit(url).hostname or "")
        if plain and not _weak(info):
            raise Malformed("must be an https:// URL (ALLOW_WEAK_SECRETS=1 lifts this)")
        return url

    @field_validator("jwt_secret")
    @classmethod
    def _is_a_secret(cls, secret: str | None, info: ValidationInfo) -> str | None:
        if secret is None:
            if info.data.get("jwt_keys") == () and info.data.get("jwks_url", "") is None:
                raise Malformed("is missing: tokens are judged by it, by JWT_KEYS or by JWKS_URL")
            return None
        from server.token_keys import KeyFault, secret_key

        try:
            secret_key(long_enough(secret, info))
        except KeyFault as fault:
            raise Malformed(f"{fault}; JWT_KEYS takes public keys") from None
        return secret


def long_enough(secret: str, info: ValidationInfo) -> str:
    """The secret. Raises `Malformed` for one that can be guessed, unless those are allowed."""
    if len(secret.encode()) < MINIMUM_SECRET_BYTES and not _weak(info):
        raise Malformed(f"must be at least {MINIMUM_SECRET_BYTES} bytes (ALLOW_WEAK_SECRETS=1 lifts this)")
    return secret


def _faults_of(given: GivenKey, info: ValidationInfo) -> Iterator[str]:
    from server.token_keys import SECRET, KeyFault, read_key

    try:
        if read_key(given.text, given.key_id).algorithm_name == SECRET:
            long_enough(given.text, info)
    except (KeyFault, Malformed) as fault:
        yield str(fault)


def _weak(info: ValidationInfo) -> bool:
    return bool(info.data["open_tools"] or info.data["allow_weak_secrets"])
