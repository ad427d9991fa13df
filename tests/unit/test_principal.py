"""What an admin of each role may do, and by whose name it is done."""

from functools import partial

import pytest

from models.errors import DomainError, Forbidden, InvalidToken, Unauthenticated
from models.principal import MAIN_KEY, SYSTEM, ActingKey, ActorKind, Principal, Role

NOBODY, ADA = Principal(), Principal(user_id="ada")
ROOT = Principal(user_id="root", user_types=("shop", "admin"))
VIEWER, SUPPORT, ADMIN = (Principal(key=ActingKey(f"a {role}", role, role.value)) for role in Role)


def test_a_role_may_do_what_those_before_it_may() -> None:
    assert [[one.includes(other) for other in Role] for one in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


@pytest.mark.parametrize(
    ("caller", "role", "name", "kind"),
    [
        (NOBODY, None, "anonymous", ActorKind.ANONYMOUS),
        (Principal("10.0.0.1"), None, "anonymous", ActorKind.ANONYMOUS),
        (ADA, None, "ada", ActorKind.USER),
        (ROOT, Role.ADMIN, "root", ActorKind.USER),
        (SUPPORT, Role.SUPPORT, "a support", ActorKind.KEY),
        (Principal(key=MAIN_KEY), Role.ADMIN, "admin", ActorKind.KEY),
        (SYSTEM, Role.ADMIN, "system", ActorKind.SYSTEM),
        # Of a token and a key it is the one that gives the right.
        (Principal(user_id="ada", key=SUPPORT.key), Role.SUPPORT, "a support", ActorKind.KEY),
        (Principal(user_id="root", user_types=("admin",), key=VIEWER.key), Role.ADMIN, "root", ActorKind.USER),
    ],
)
def test_who_acts_and_by_what_right(caller: Principal, role: Role | None, name: str, kind: ActorKind) -> None:
    assert (caller.role, caller.name, caller.kind) == (role, name, kind)


@pytest.mark.parametrize("role", Role)
def test_a_role_is_required(role: Role) -> None:
    for caller, refusal in ((NOBODY, Unauthenticated), (ADA, Forbidden)):
        with pytest.raises(refusal):
            caller.require_role(role)
    with pytest.raises(InvalidToken):
        Principal(refusal=InvalidToken()).require_role(role)
    for caller, has in zip((VIEWER, SUPPORT, ADMIN), Role, strict=True):
        assert _refusal(partial(caller.require_role, role)) is (None if has.includes(role) else Forbidden)
    ROOT.require_role(role)
    SYSTEM.require_role(role)


@pytest.mark.parametrize("role", Role)
def test_a_user_acts_for_themself_and_an_admin_of_the_role_for_all(role: Role) -> None:
    ADA.require_signed_in(role)
    ADA.require_self(" ada", role)
    for other in ("bob", None):
        assert _refusal(partial(ADA.require_self, other, role)) is Forbidden
    for caller, has in zip((VIEWER, SUPPORT, ADMIN), Role, strict=True):
        refusal = None if has.includes(role) else Forbidden
        assert _refusal(partial(caller.require_signed_in, role)) is refusal
        assert _refusal(partial(caller.require_self, "bob", role)) is refusal
        assert _refusal(partial(caller.require_self, None, role)) is refusal
        with_token = Principal(user_id="ada", key=caller.key)
        with_token.require_self("ada", role)
        assert _refusal(partial(with_token.require_self, "bob", role)) is refusal


def _refusal(judge: partial[None]) -> type[DomainError] | None:
    try:
        judge()
    except DomainError as refusal:
        return type(refusal)
    return None
