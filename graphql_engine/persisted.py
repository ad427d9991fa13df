"""Documents that are named by their SHA-256, as Apollo's persisted queries are, and the rule that no other may run."""

from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum

from graphql import GraphQLError

from graphql_engine.errors import DocumentNotPersisted, GraphQLCode, coded
from graphql_engine.manifest import digest


class PersistedMode(StrEnum):
    """What the server makes of hashes."""

    OFF = "off"
    """Every document is sent as text."""
    ALLOW = "allow"
    """Every document may be sent; those of the manifest, and those that were sent with their hash, may be named."""
    REQUIRE = "require"
    """Only the manifest's documents run, named or sent. Callers who may know the schema send what they like."""


class PersistedDocuments:
    """The manifest, and in the mode `allow` at most `size` registered documents, the least used leaving first.

    A worker process remembers what was registered with itself; a client whose document it does not know sends it again.
    """

    def __init__(
        self,
        mode: PersistedMode = PersistedMode.OFF,
        manifest: Mapping[str, str] | None = None,
        *,
        size: int = 512,
        longest: int = 10_000,
    ) -> None:
        self._mode = mode
        self._manifest = manifest or {}
        self._size = size
        self._longest = longest
        self._registered: OrderedDict[str, str] = OrderedDict()

    def text_of(self, query: str | None, extensions: Mapping[str, object] | None, *, privileged: bool) -> str | None:
        """Returns the document that a request means, or None where it has neither text nor hash.

        Raises `GraphQLError` in the words of Apollo's protocol, and `DocumentNotPersisted`.
        """
        named = _named(extensions)
        if query is None:
            return None if named is None else self._known(named)
        if named is not None:
            self._register(query, named)
        if self._mode is PersistedMode.REQUIRE and not privileged and digest(query) not in self._manifest:
            raise DocumentNotPersisted
        return query

    def _known(self, named: str) -> str:
        if self._mode is PersistedMode.OFF:
            raise coded(GraphQLError("PersistedQueryNotSupported"), GraphQLCode.PERSISTED_QUERY_NOT_SUPPORTED)
        text = self._manifest.get(named) or self._registered.get(named)
        if text is None:
            raise coded(GraphQLError("PersistedQueryNotFound"), GraphQLCode.PERSISTED_QUERY_NOT_FOUND)
        if named in self._registered:
            self._registered.move_to_end(named)
        return text

    def _register(self, query: str, named: str) -> None:
        if digest(query) != named:
            raise coded(GraphQLError("provided sha does not match query"), GraphQLCode.BAD_USER_INPUT)
        if self._mode is PersistedMode.ALLOW and named not in self._manifest and len(query) <= self._longest:
            self._registered[named] = query
            self._registered.move_to_end(named)
            if len(self._registered) > self._size:
                self._registered.popitem(last=False)


def names_document(extensions: object) -> bool:
    """Whether the extensions of a request name its document, well or badly."""
    return isinstance(extensions, Mapping) and extensions.get("persistedQuery") is not None


def _named(extensions: Mapping[str, object] | None) -> str | None:
    """Returns the hash by which the request names its document, in lower case."""
    if extensions is None or not names_document(extensions):
        return None
    persisted = extensions["persistedQuery"]
    version, named = map(persisted.get, ("version", "sha256Hash")) if isinstance(persisted, Mapping) else (None, None)
    if version != 1 or not isinstance(named, str):
        message = "extensions.persistedQuery must be {version: 1, sha256Hash: String!}"
        raise coded(GraphQLError(message), GraphQLCode.BAD_USER_INPUT)
    return named.lower()
