"""The codes of `extensions.code` that only GraphQL knows; all others are those of the error tree."""

from enum import StrEnum

from graphql import GraphQLError

from models.errors import ErrorCode


class GraphQLCode(StrEnum):
    """Why a document was refused before anything ran."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"


def coded(error: GraphQLError, code: GraphQLCode | ErrorCode) -> GraphQLError:
    """The same error, with its code; what bears a code is shown to the client as it is."""
    error.extensions = {"code": code.value}
    return error
