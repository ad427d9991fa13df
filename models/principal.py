"""Who is calling, and what they may do. The transports make it, the verbs judge by it."""

from dataclasses import dataclass
from math import inf

from models.errors import DomainError, Forbidden, Unauthenticated
from models.values.texts import clean


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a verb.

    `address` is the key of the rate limit (an IPv4 address or an IPv6 /64 network). `refusal` is why the credentials
    that came were turned down; open verbs never look at it, the others raise it. `expires_at` (POSIX seconds) is the
    `exp` of the token that names the user: from then on it is nobody who calls. An admin key does not expire.
    """

    address: str = "local"
    user_id: str | None = None
    user_types: tuple[str, ...] = ()
    has_admin_key: bool = False
    refusal: DomainError | None = None
    expires_at: float = inf

    @property
    def is_admin(self) -> bool:
        return self.has_admin_key or "admin" in self.user_types

    @property
    def name(self) -> str:
        """Who acted, as a ledger tells it: the user, else the address of the bare admin key."""
        return self.user_id or self.address

    def require_admin(self) -> None:
        """Raise unless an admin calls: the refusal of what was shown, 401 for nobody, 403 for a mere user."""
        if self.is_admin:
            return
        if self.refusal is not None:
            raise self.refusal
        raise Unauthenticated() if self.user_id is None else Forbidden()

    def require_signed_in(self) -> None:
        """Raise unless a user or an admin calls."""
        if self.is_admin or self.user_id is not None:
            return
        raise self.refusal or Unauthenticated()

    def require_self(self, user_id: str | None) -> None:
        """Raise unless an admin calls, or the user whose thing it is: the same id once it is cleaned."""
        self.require_signed_in()
        if not self.is_admin and (user_id is None or self.user_id != clean(user_id)):
            raise Forbidden()


SYSTEM = Principal(address="system", has_admin_key=True)
"""The service itself: consumers, migration and the command line act as it."""
