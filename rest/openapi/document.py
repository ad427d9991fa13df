"""The OpenAPI document of the paths, made from the routes, their inputs and what is told beside them."""

from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from models.idempotency import MAX_KEY
from models.inputs import Input
from rest.access import Endpoint, Resource
from rest.idempotency import CHANGING, HEADER
from rest.openapi.description import Access, Answer, Description, Of, access_of, description_of
from rest.openapi.meanings import meaning_of
from rest.openapi.refusals import RATE_LIMIT, RefusalBook, header_references, refusals_of
from rest.openapi.schemas import JsonSchema, SchemaBook, example_of

JSON = "application/json"
VERSION = "3.1.0"
TAGS = {
    "Coupons": "Referral coupons and their redemptions.",
    "Access codes": "Codes that let a number of users in.",
    "Usage followers": "How often a coupon or a campaign was used, and what its limits leave.",
    "Orders": "Orders and their refunds.",
    "Activity": "Who did what, and why something was refused.",
    "Exports": "All that is recorded of a kind, as CSV or as a JSON object a line.",
    "Health": "Whether the process answers, and whether its database does.",
}
SECURITY = {
    "adminKey": {
        "type": "apiKey",
        "in": "header",
        "name": "x-admin-key",
        "description": "`ADMIN_KEY`, or a key of an admin's own.",
    },
    "adminKeyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "adminKey",
        "description": "The same in the address, under `/admin` alone. The header wins.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token signed with HS256. Whose `userType` holds `admin` is an admin everywhere.",
    },
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "token",
        "description": "The same token as a cookie, which changes nothing across sites.",
    },
}
ABOUT = """\
The paths of Tessera. All that is here is reachable by GraphQL at `/graphql` too, by the same verbs and with the same
codes.

A body is one JSON object of `application/json`. Texts are trimmed, brought to NFC and freed of characters that nobody
sees, and a blank text is a missing one; so is null, unless a field says otherwise. Unknown fields are refused, unknown
parameters of a query ignored, but for exports. Every answer bears `X-Request-ID`.

Whatever is under `/admin` is under `/api/admin` too. A wrong method is answered with 405 `METHOD_NOT_ALLOWED` and
`Allow`, an unknown path with 404 `NOT_FOUND`, both in the shape of `Error`. HEAD answers what GET would, without the
body.
"""
KEY_PARAMETER = {
    "name": HEADER,
    "in": "header",
    "description": "The same key with the same request gets the first answer for 24 hours, and changes nothing again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def openapi_document(listed: Mapping[str, Iterable[BaseRoute]], version: str) -> dict[str, Any]:
    """The document of routes, which are listed by the prefix that they are under."""
    writer = _Writer(version)
    for prefix, routes in listed.items():
        for route in routes:
            if isinstance(route, Resource):
                writer.add(prefix, route)
    return writer.spec.to_dict()


class _Writer:
    def __init__(self, version: str) -> None:
        tags = [{"name": name, "description": text} for name, text in TAGS.items()]
        info = {"summary": "Coupons, access codes, usage followers and orders", "description": ABOUT}
        self.spec = APISpec("Tessera", version, VERSION, info=info, tags=tags, servers=[{"url": "/"}])
        for name, scheme in SECURITY.items():
            self.spec.components.security_scheme(name, scheme)
        self.spec.components.parameter(HEADER, "header", KEY_PARAMETER)
        self.schemas = SchemaBook(self.spec.components)
        self.refusals = RefusalBook(self.spec, self.schemas)

    def add(self, prefix: str, route: Resource) -> None:
        """Tells of a path with its methods."""
        operations = {}
        for method, endpoint in route.endpoints.items():
            told = self._operation(prefix, method, endpoint)
            if method == "GET" and "POST" in route.endpoints and route.endpoints["POST"] is endpoint:
                told["operationId"] += "ByGet"
            operations[method.lower()] = told
        self.spec.path(prefix + route.path, operations=operations)

    def _operation(self, prefix: str, method: str, endpoint: Endpoint) -> JsonSchema:
        told, access, changes = description_of(endpoint), access_of(endpoint), method in CHANGING
        headers = ("X-Request-ID", *(RATE_LIMIT if access.kind == "limited" else ()))
        operation: JsonSchema = {
            "operationId": told.name,
            "tags": [told.tag],
            "summary": told.summary,
            "description": "\n\n".join(filter(None, (told.more, _who_may(access)))),
            "security": _security(prefix, access),
            "parameters": self._parameters(told, changes and access.kind != "open"),
        }
        if told.body is not None:
            content = {JSON: {"schema": self.schemas.of_input(told.body)}}
            operation["requestBody"] = {"required": told.needs_body, "content": content}
        responses = {str(told.answer.status): self._answer(told.answer, headers)}
        refusals = refusals_of(told, access, changes=changes)
        operation["responses"] = responses | dict(self.refusals.responses(refusals, headers))
        return operation

    def _answer(self, answer: Answer, headers: tuple[str, ...]) -> JsonSchema:
        content: JsonSchema = {
            media_type: {"schema": {"type": "string"}, "example": example}
            for media_type, example in answer.texts.items()
        }
        if answer.body is not None:
            content[JSON] = {"schema": self.schemas.of_part(answer.body), "example": example_of(answer.body)}
        return {"description": answer.told, "headers": header_references(headers), "content": content}

    def _parameters(self, told: Description, takes_key: bool) -> list[Any]:
        parameters: list[Any] = []
        if isinstance(told.path, Mapping):
            parameters += [_path_parameter(name, of) for name, of in told.path.items()]
        elif told.path is not None:
            shown, _ = self.schemas.fields_of_input(told.path)
            parameters += [_parameter(name, "path", True, schema) for name, schema in shown.items()]
        for shape in told.query:
            parameters += self._query_parameters(shape)
        return [*parameters, HEADER] if takes_key else parameters

    def _query_parameters(self, shape: type[Input]) -> list[JsonSchema]:
        shown, required = self.schemas.fields_of_input(shape)
        return [
            _parameter(name, "query", name in required, schema if name in required else _from_query(schema))
            for name, schema in shown.items()
        ]


def _path_parameter(name: str, of: Of) -> JsonSchema:
    return _parameter(name, "path", True, TypeAdapter(of.kind).json_schema()) | {"example": of.example}


def _parameter(name: str, place: str, is_required: bool, schema: JsonSchema) -> JsonSchema:
    told = {"name": name, "in": place, "description": meaning_of(name), "required": is_required}
    return told | {"schema": schema}


def _from_query(schema: JsonSchema) -> JsonSchema:
    """An optional parameter of a query: there is no null in it, and a blank one is a missing one."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    rest = {name: of for name, of in schema.items() if name != "anyOf"}
    plain = {**choices[0], **rest} if len(choices) == 1 else schema
    is_text = plain.get("type") == "string" and not plain.keys() & {"format", "enum"}
    return plain if is_text else {"anyOf": [plain, {"const": ""}]}


def _security(prefix: str, access: Access) -> list[dict[str, list[str]]]:
    if access.kind in ("open", "limited"):
        return []
    names = ["adminKey", "bearer", "cookie", *(["adminKeyInQuery"] if prefix == "/admin" else [])]
    return [{name: []} for name in names]


def _who_may(access: Access) -> str:
    match access.kind:
        case "open":
            return ""
        case "limited":
            return "Open to everyone; each request counts under the rate limit of its client address."
        case "signed in":
            return f"For signed-in users, as far as it is theirs, and for admins of the role `{access.role}` or above."
        case "admin":
            return f"For admins of the role `{access.role}` or above."
