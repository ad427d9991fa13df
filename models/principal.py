"""Who is calling, and what they may do. The transports make it, the verbs judge by it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

from models.errors import DomainError, Forbidden, Unauthenticated
from models.stored import stored
from models.values.texts import clean


@stored("role")
class Role(StrEnum):
    """What an admin may do, the least first: each role may do what those before it may.

    A viewer reads whatever an admin reads; support also activates, deactivates, refunds and gives usage back.
    """

    VIEWER = "viewer"
    SUPPORT = "support"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


class ActorKind(StrEnum):
    """By what right somebody acts: an admin's key, a token's user, Tessera itself, or none at all."""

    KEY = "KEY"
    USER = "USER"
    SYSTEM = "SYSTEM"
    ANONYMOUS = "ANONYMOUS"


@dataclass(frozen=True, slots=True)
class ActingKey:
    """A key that an admin has shown, without its secret.

    `id` is None where it is not one of the stored ones, which alone can be revoked. `expires_at` is in POSIX seconds.
    """

    name: str
    role: Role
    id: str | None = None
    expires_at: float = inf
    kind: ActorKind = ActorKind.KEY


MAIN_KEY = ActingKey("admin", Role.ADMIN)
"""`ADMIN_KEY` of the settings."""
NOBODY = "anonymous"
"""The name of whoever shows nothing."""


class Transport(StrEnum):
    """By which way a caller reaches the verbs."""

    GRAPHQL = "GRAPHQL"
    REST = "REST"
    KAFKA = "KAFKA"
    CLI = "CLI"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a verb.

    `address` is the key of the rate limit (an IPv4 address or an IPv6 /64 network). `refusal` is why the credentials
    that came were turned down; open verbs never look at it, the others raise it. `expires_at` (POSIX seconds) is the
    `exp` of the token that names the user. `request_id` is that of the access log, or empty where no request led here.
    """

    address: str = "local"
    user_id: str | None = None
    user_types: tuple[str, ...] = ()
    key: ActingKey | None = None
    refusal: DomainError | None = None
    expires_at: float = inf
    transport: Transport = Transport.CLI
    request_id: str = ""

    @property
    def role(self) -> Role | None:
        """What an admin may do; None for who is none."""
        if "admin" in self.user_types:
            return Role.ADMIN
        return None if self.key is None else self.key.role

    @property
    def name(self) -> str:
        """Who acts: an admin by their token or key, else the user of the token."""
        if self.key is not None and "admin" not in self.user_types:
            return self.key.name
        return self.user_id or NOBODY

    @property
    def kind(self) -> ActorKind:
        """What `name` is the name of."""
        if self.key is not None and "admin" not in self.user_types:
            return self.key.kind
        return ActorKind.ANONYMOUS if self.user_id is None else ActorKind.USER

    def turned_down(self, refusal: DomainError | None = None) -> "Principal":
        """The same caller without what they showed, or with why it does not hold."""
        return Principal(self.address, refusal=refusal, transport=self.transport, request_id=self.request_id)

    @property
    def ends_at(self) -> float:
        """When the first of the credentials expires (POSIX seconds): from then on it is nobody who calls."""
        return self.expires_at if self.key is None else min(self.expires_at, self.key.expires_at)

    @property
    def may_end(self) -> bool:
        """Whether what was shown can cease to hold: a token and a key that expire, a key that can be revoked."""
        return self.ends_at < inf or (self.key is not None and self.key.id is not None)

    def has_role(self, role: Role) -> bool:
        """Whether an admin calls who may do what this role may."""
        return self.role is not None and self.role.includes(role)

    def require_role(self, role: Role) -> None:
        """Raise unless such an admin calls: the refusal of what was shown, 401 for nobody, else 403."""
        if not self.has_role(role):
            raise self._refused()

    def require_signed_in(self, role: Role = Role.VIEWER) -> None:
        """Raise unless a user calls, or an admin who may do what this role may."""
        if self.user_id is None and not self.has_role(role):
            raise self._refused()

    def require_self(self, user_id: str | None, role: Role = Role.VIEWER) -> None:
        """Raise unless such an admin calls, or the user whose thing it is: the same id once it is cleaned."""
        self.require_signed_in(role)
        if not self.has_role(role) and (user_id is None or self.user_id != clean(user_id)):
            raise Forbidden()

    def _refused(self) -> DomainError:
        if self.refusal is not None:
            return self.refusal
        return Unauthenticated() if self.user_id is None and self.key is None else Forbidden()


SYSTEM = Principal(address="system", key=ActingKey("system", Role.ADMIN, kind=ActorKind.SYSTEM))
"""The service itself: migration and the command line act as it."""
CONSUMERS = replace(SYSTEM, transport=Transport.KAFKA)
"""The service as it acts upon events."""
