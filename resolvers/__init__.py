"""The GraphQL fields: read the arguments, call one verb, map its answer."""
