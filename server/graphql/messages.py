"""What a message of graphql-transport-ws must be like, before it is believed."""

from collections.abc import Mapping

from graphql_engine.persisted import names_document

OPTIONAL_OBJECT: tuple[type, ...] = (dict, type(None))
OPTIONAL_TEXT: tuple[type, ...] = (str, type(None))


def fault_of(message: object) -> str | None:
    """Returns what is wrong with the shape of a message, or None."""
    if not isinstance(message, dict):
        return "A message must be a JSON object"
    match message.get("type"):
        case "connection_init" | "ping" | "pong":
            return None if isinstance(message.get("payload"), OPTIONAL_OBJECT) else "payload must be an object or null"
        case "subscribe":
            return _fault_of_id(message) or _fault_of_payload(message.get("payload"))
        case "complete":
            return _fault_of_id(message)
        case _:
            return "Unknown message type"


def _fault_of_id(message: Mapping[str, object]) -> str | None:
    identifier = message.get("id")
    return None if isinstance(identifier, str) and identifier else "id must be a string"


def _fault_of_payload(payload: object) -> str | None:
    if not isinstance(payload, dict):
        return "payload must be an object"
    query = payload.get("query")
    if not isinstance(query, str) and (query is not None or not names_document(payload.get("extensions"))):
        return "payload.query must be a string"
    if not isinstance(payload.get("operationName"), OPTIONAL_TEXT):
        return "payload.operationName must be a string or null"
    for name in ("variables", "extensions"):
        if not isinstance(payload.get(name), OPTIONAL_OBJECT):
            return f"payload.{name} must be an object or null"
    return None
