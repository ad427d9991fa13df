"""What the engine refuses: the words of `extensions.code`, and exceptions that an application puts into its own."""

from enum import StrEnum

from graphql import GraphQLError


class GraphQLCode(StrEnum):
    """Why nothing ran."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"


def coded(error: GraphQLError, code: str) -> GraphQLError:
    """The same error, with its code; what bears a code is shown to the client as it is."""
    error.extensions = {"code": str(code)}
    return error


class Refused(Exception):
    """The base of what is refused before anything runs; an application says what each means to its clients."""


class IntrospectionRefused(Refused):
    """The document asks for the schema, and this caller may not know it."""


class DocumentNotPersisted(Refused):
    """Only the documents of the manifest run, and this is none of them."""


class MethodRefused(Refused):
    """The transport carries no operation of this kind: a mutation came by GET."""


class OutOfTime(Refused):
    """The operation took longer than an operation may; it was cancelled."""
