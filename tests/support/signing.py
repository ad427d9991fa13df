"""Whoever signs tokens: keys of every kind, tokens by them, and the key set that is published over HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS
from typing_extensions import override

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key; the same for the same number."""
    return rsa.generate_private_key(65_537, bits)


@cache
def ec_key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: PrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def public_pem(key: PrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


def jwk(key: PrivateKey, kid: str | None, **more: Any) -> dict[str, Any]:
    """The public key as a key set has it."""
    if isinstance(key, rsa.RSAPrivateKey):
        described = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        described = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return described | ({} if kid is None else {"kid": kid}) | more


def signed_by(key: PrivateKey | str, kid: str | None = None, user_id: str = "ada", **claims: Any) -> str:
    """A token for a user: by a secret, or by a private key of the algorithm that it is for."""
    algorithm = "HS256" if isinstance(key, str) else "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    payload = {"userId": user_id, "userType": ["default"], "exp": time.time() + 3_600, **claims}
    headers = {} if kid is None else {"kid": kid}
    # As bytes: what a claim may be is for the tests to say.
    return PyJWS().encode(json.dumps(payload).encode(), key, algorithm=algorithm, headers=headers)


@dataclass
class Publisher:
    """A key set at `url`. `keys` is what it has; `broken` is the status that it answers with in its place."""

    url: str
    keys: list[dict[str, Any]] = field(default_factory=list)
    body: bytes | None = None
    broken: int | None = None
    asked: int = 0

    def answer(self) -> tuple[int, bytes]:
        self.asked += 1
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        return self.broken or 200, body


@contextmanager
def publishing(*keys: dict[str, Any]) -> Iterator[Publisher]:
    """A real server that publishes a key set."""
    publisher = Publisher("", list(keys))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = publisher.answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        publisher.url = f"http://127.0.0.1:{server.server_port}/keys.json"
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()
