"""What is told of a route, declared beside it: `openapi.json` is made of these, of the routes and of their inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union

from pydantic import Field

from models.errors import DomainError
from models.inputs import Input
from models.principal import Role

Part: TypeAlias = Union["Of", "Shape", "ListOf", "Nullable", "Either"]
Handle = TypeVar("Handle", bound=Callable[..., object])

ObjectId: TypeAlias = Annotated[str, Field(pattern="^[0-9a-fA-F]{24}$")]
"""A raw id in a path; for most of them the Relay id is taken, too."""

_DESCRIPTION, _ACCESS = "_description", "_access"


@dataclass(frozen=True, slots=True)
class Of:
    """A plain value: its type as Python says it, and one such value as JSON has it."""

    kind: Any
    example: object


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of such things."""

    items: Part


@dataclass(frozen=True, slots=True)
class Nullable:
    """Such a thing, or null."""

    part: Part


@dataclass(frozen=True, slots=True)
class Either:
    """One thing or the other; the first is the example."""

    one: Part
    other: Part


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON object that an answer holds, with these fields and no others.

    They are those of an entity (all, `only` some, or all `without` some) and `more`; what is `optional` may be missing.
    One with a `name` is told of once. Its example is made of the sample of its entity.
    """

    of: type | None = None
    name: str | None = None
    only: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    more: Mapping[str, Part] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers where nothing is refused: a body in JSON, or texts by their media types."""

    told: str
    body: Part | None = None
    status: int = 200
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: everyone, limited or not, a signed-in user (and admins of `role`), or only those admins."""

    kind: Literal["open", "limited", "signed in", "admin"]
    role: Role | None = None
    changes_by_get: bool = False


@dataclass(frozen=True, slots=True)
class Description:
    """All that is told of a route beside its path, its methods and who may call it.

    `path`, `query` and `body` are what it reads; `refuses` has an instance of each refusal of its verb, as an example.
    """

    name: str
    tag: str
    summary: str
    answer: Answer
    more: str = ""
    path: type[Input] | Mapping[str, Of] | None = None
    query: tuple[type[Input], ...] = ()
    body: type[Input] | None = None
    needs_body: bool = True
    refuses: tuple[DomainError, ...] = ()


def described(description: Description) -> Callable[[Handle], Handle]:
    """A decorator: this is told of the route."""

    def attach(handle: Handle) -> Handle:
        setattr(handle, _DESCRIPTION, description)
        return handle

    return attach


def open_to(access: Access, handle: Handle) -> Handle:
    """Notes who may call the route."""
    setattr(handle, _ACCESS, access)
    return handle


def description_of(handle: object) -> Description:
    """What is told of a route. Raises `AttributeError` where nothing is."""
    found: Description = getattr(handle, _DESCRIPTION)
    return found


def access_of(handle: object) -> Access:
    """Who may call a route: everyone, unless a decorator has noted something else."""
    found: Access = getattr(handle, _ACCESS, Access("open"))
    return found


def enveloped(data: Part | None = None, message: str | None = None, **more: Part) -> Shape:
    """The documented envelope around `data`."""
    fields: dict[str, Part] = {"status": Of(Literal["success"], "success")}
    if message is not None:
        fields["message"] = Of(Literal[message], message)
    fields |= more
    if data is not None:
        fields["data"] = data
    return Shape(more=fields)


PAGINATION = Shape(
    name="Pagination", more={"total": Of(int, 45), "page": Of(int, 1), "pages": Of(int, 3), "limit": Of(int, 20)}
)
