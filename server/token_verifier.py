"""Judges tokens: by which of our keys, and what they say."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jwt
from jwt import PyJWK

from models.claims import ClaimNames, Claims, read_claims
from models.errors import InvalidToken, ServiceUnavailable
from server.token_keys import PUBLIC, KeyRing, header_of, read_key
from server.token_settings import TokenSettings

if TYPE_CHECKING:
    from server.fetched_keys import FetchedKeys

LOOKS = 2
"""How often a token has the key set fetched that names an unknown key: the first answer may have been on its way when
the key was published.
"""


class TokenVerifier:
    """Reads the tokens that one of the settings' keys, or one of the fetched ones, has signed."""

    def __init__(
        self, settings: TokenSettings, clock: Callable[[], float], fetched: "FetchedKeys | None" = None
    ) -> None:
        self._ring = KeyRing(read_key(given.text, given.key_id) for given in settings.given_keys)
        self._fetched = fetched
        self._clock = clock
        self._names = ClaimNames(settings.jwt_user_claim, settings.jwt_types_claim)
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience or None
        # PyJWT would let strings pass as instants, and cut fractions of a second off: `read_claims` judges those.
        self._jwt = jwt.PyJWT(
            {
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": self._audience is not None,
                "verify_iss": self._issuer is not None,
                "verify_sub": False,
                "verify_jti": False,
            }
        )

    @property
    def is_ready(self) -> bool:
        """Whether there are keys from everywhere that they are to come from."""
        return self._fetched is None or self._fetched.has_any

    async def read(self, token: str) -> Claims:
        """What a token of ours says.

        Raises `InvalidToken`, and `ServiceUnavailable` where its key may be one of those that cannot be fetched.
        """
        claims = self._decode(token, self._ring.matching(token))
        if claims is None and self._fetched is not None:
            claims = await self._decode_by_fetched(token, self._fetched)
        if claims is None:
            raise InvalidToken()
        return read_claims(claims, self._clock(), self._names)

    async def _decode_by_fetched(self, token: str, fetched: "FetchedKeys") -> Mapping[str, Any] | None:
        algorithm, key_id = header_of(token)
        if algorithm not in PUBLIC:
            return None
        for _ in range(LOOKS):
            claims = self._decode(token, fetched.ring.matching(token))
            if claims is not None or fetched.ring.knows(key_id):
                return claims
            await fetched.look_again()
        claims = self._decode(token, fetched.ring.matching(token))
        if claims is None and not fetched.is_current:
            raise ServiceUnavailable()
        return claims

    def _decode(self, token: str, keys: Sequence[PyJWK]) -> Mapping[str, Any] | None:
        """The claims, or None where none of these keys has signed the token. Raises `InvalidToken` if it is none."""
        for key in keys:
            try:
                return self._jwt.decode(token, key, audience=self._audience, issuer=self._issuer)
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
                continue
            except (jwt.PyJWTError, ValueError, RecursionError):
                raise InvalidToken() from None
        return None
