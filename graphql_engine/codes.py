"""The words of `extensions.code` for what the engine itself refuses; an application adds its own."""

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


def coded(error: GraphQLError, code: StrEnum) -> GraphQLError:
    """The same error, with its code; what bears a code is shown to the client as it is."""
    error.extensions = {"code": code.value}
    return error
