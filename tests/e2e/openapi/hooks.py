"""What JSON Schema cannot say of a request, said to schemathesis."""

from typing import Any
from urllib.parse import unquote

import schemathesis

from models.inputs import MAX_TEXT
from models.payment import MAX_ADDRESS
from models.values.ids import is_object_id
from models.values.instants import parse_instant
from models.values.texts import clean


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: Any, kwargs: Any) -> None:
    """Sends whole numbers as whole (`1.0` is an integer to JSON Schema), periods that end after they begin, no cursor.

    Nobody can guess a cursor; one that can be none is left as it is. Outer blanks and invisible characters do not
    count: without them a text that is too long has to stay so, and what is no known word must not become one.
    """
    case.body = _sendable(case.body)
    for name, segment in (case.path_parameters or {}).items():  # They are percent-encoded by now.
        plain = unquote(str(segment))
        if len(plain) > MAX_TEXT >= len(clean(plain)):
            case.path_parameters[name] = segment + "x" * len(plain)
    case.query = _sendable(case.query)
    if isinstance(case.query, dict):
        if not _is_period(case.query):
            case.query.pop("to")
        if is_object_id(str(case.query.get("cursor"))):
            case.query.pop("cursor")


def _sendable(value: Any, name: str = "") -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case str() if len(value) > (MAX_ADDRESS if name == "address" else MAX_TEXT) >= len(clean(value)):
            return value + "x" * len(value)
        case str() if len(value) < MAX_TEXT and value != clean(value):
            return f"{value}x"
        case list():
            return [_sendable(item, name) for item in value]
        case dict():
            return {of: _sendable(item, of) for of, item in value.items()}
    return value


def _is_period(query: dict[str, Any]) -> bool:
    try:
        return "to" not in query or parse_instant(query["from"]) < parse_instant(query["to"])
    except (KeyError, ValueError, TypeError):
        return True
