"""Operations compiled once into plain closures, for all that clients commonly send.

A compiled operation is graphql-core's own executor without the work that is the same for every request: the fields are
collected once, an attribute is read by `getattr`, a resolver is called directly, a value of the expected Python class
is taken as it is. Whatever else turns up (another class, an exception, an argument that does not fit) is handed to the
executor's own method for just that value, so that every message, path and order of errors is graphql-core's.
Operations with more than this module knows are handed on before anything ran.
"""

from server.graphql.compiled.operations import CompiledOperations

__all__ = ["CompiledOperations"]
