"""JSON schemas, by pydantic: of inputs as they are read, and of what answers show."""

from dataclasses import fields
from enum import Enum
from typing import Any, TypeAlias, get_type_hints

from apispec.core import Components
from pydantic import ConfigDict, TypeAdapter, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticOmit, core_schema
from typing_extensions import override

from models.base import camel_case
from models.inputs import VISIBLE, Input
from rest.openapi.description import Either, ListOf, Nullable, Of, Part, Shape
from rest.openapi.meanings import meaning_of
from rest.openapi.samples import sample_of

JsonSchema: TypeAlias = dict[str, Any]
REF = "#/components/schemas/{model}"
RAW_ID = "^[0-9a-fA-F]{24}$"
RAW_ID_OR_BLANK = "^([0-9a-fA-F]{24})?$"
INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"


class _Schemas(GenerateJsonSchema):
    """Without what says nothing: titles made of names, and defaults that JSON does not know."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    @override
    def get_title_from_name(self, name: str) -> str:
        return name

    @override
    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchema:
        if not all(isinstance(member.value, str) for member in schema["members"]):
            raise PydanticOmit  # It stands for what was not sent.
        return _without_docstring(super().enum_schema(schema))

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchema:
        shown = self.generate_inner(schema["schema"])
        default = schema.get("default")
        is_told = default not in (None, ()) and (not isinstance(default, Enum) or isinstance(default.value, str))
        return {**shown, "default": self.encode_default(default)} if is_told else shown


class InputSchemas(_Schemas):
    """What is sent: no field but these; a null is a missing field, and so is a blank text."""

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchema:
        shown = _without_docstring(super().dataclass_schema(schema))
        required = shown.get("required", [])
        fitted = {
            name: _required(of) if name in required else _optional(of) for name, of in shown["properties"].items()
        }
        return shown | {"properties": fitted, "additionalProperties": False}


class AnswerSchemas(_Schemas):
    """What is answered: instants in one form, money as numbers, every field there."""

    @override
    def datetime_schema(self, schema: core_schema.DatetimeSchema) -> JsonSchema:
        return {"type": "string", "format": "date-time", "pattern": INSTANT}

    @override
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchema:
        return {"type": "number"}

    @override
    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchema:
        shown = _without_docstring(super().dataclass_schema(schema))
        return shown | {"additionalProperties": False, "required": list(shown["properties"])}


def _without_docstring(shown: JsonSchema) -> JsonSchema:
    """It speaks to who works on the code; to clients, the meanings of the fields do."""
    return {name: of for name, of in shown.items() if name not in ("title", "description")}


def _required(shown: JsonSchema) -> JsonSchema:
    if shown.get("type") == "string" and "maxLength" in shown and shown.get("pattern") != RAW_ID:
        return shown | {"minLength": 1, "pattern": VISIBLE}
    return shown


def _optional(shown: JsonSchema) -> JsonSchema:
    choices = [choice for choice in shown.get("anyOf", [shown]) if choice != {"type": "null"}]
    told = {name: shown[name] for name in ("default",) if name in shown}
    plain = [{name: of for name, of in choice.items() if name not in told} for choice in choices]
    return {"anyOf": [*map(_or_blank, plain), {"type": "null"}], **told}


def _or_blank(shown: JsonSchema) -> JsonSchema:
    return shown | {"pattern": RAW_ID_OR_BLANK} if shown.get("pattern") == RAW_ID else shown


class SchemaBook:
    """The schemas of a document: those that are named stand among its components, once."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._known: dict[str, JsonSchema] = {}

    def of_input(self, shape: type[Input]) -> JsonSchema:
        """The schema of what a body may be, as a reference."""
        shown = TypeAdapter(shape).json_schema(ref_template=REF, schema_generator=InputSchemas)
        self._take(shown)
        together: JsonSchema = shape.told_together()
        for name in together.get("required", ()):
            shown["properties"][name] = _required(shown["properties"][name]["anyOf"][0])
        self._name(shape.__name__, shown | together | {"examples": [sample_of(shape)]})
        return {"$ref": REF.format(model=shape.__name__)}

    def fields_of_input(self, shape: type[Input]) -> tuple[dict[str, JsonSchema], list[str]]:
        """The schemas of the fields of an input, and the names of those that are required."""
        shown = TypeAdapter(shape).json_schema(ref_template=REF, schema_generator=InputSchemas)
        self._take(shown)
        return shown["properties"], shown.get("required", [])

    def of_part(self, part: Part) -> JsonSchema:
        """The schema of a part of an answer."""
        match part:
            case Of(kind):
                return self._of_kind(kind)
            case ListOf(items):
                return {"type": "array", "items": self.of_part(items)}
            case Nullable(inner):
                return {"anyOf": [self.of_part(inner), {"type": "null"}]}
            case Either(one, other):
                return {"oneOf": [self.of_part(one), self.of_part(other)]}
            case Shape():
                return self._of_shape(part)

    def _of_kind(self, kind: Any) -> JsonSchema:
        shown = TypeAdapter(kind).json_schema(ref_template=REF, schema_generator=AnswerSchemas, mode="serialization")
        self._take(shown)
        return shown

    def _of_shape(self, shape: Shape) -> JsonSchema:
        if shape.name is None:
            return self._object(shape)
        self._name(shape.name, self._object(shape) | {"examples": [example_of(shape)]})
        return {"$ref": REF.format(model=shape.name)}

    def _object(self, shape: Shape) -> JsonSchema:
        properties = self._fields_of(shape) | {name: self.of_part(part) for name, part in shape.more.items()}
        required = [name for name in properties if name not in shape.optional]
        whole = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return _explained(whole, shape.name or "")

    def _fields_of(self, shape: Shape) -> dict[str, JsonSchema]:
        if shape.of is None:
            return {}
        hints, wanted = get_type_hints(shape.of, include_extras=True), fields_shown(shape)
        declared: Any = {name: (hints[name], ...) for name in wanted}
        model = create_model(shape.of.__name__, __config__=ConfigDict(alias_generator=camel_case), **declared)
        shown = model.model_json_schema(ref_template=REF, schema_generator=AnswerSchemas, mode="serialization")
        self._take(shown)
        return {wanted[name]: shown["properties"][wanted[name]] for name in wanted}

    def _take(self, shown: JsonSchema) -> None:
        """What pydantic has put beside a schema goes among the components."""
        for name, schema in shown.pop("$defs", {}).items():
            self._name(name, schema)
        shown.pop("title", None)

    def _name(self, name: str, schema: JsonSchema) -> None:
        schema = _explained(schema, name)
        if name not in self._known:
            self._known[name] = schema
            self._components.schema(name, schema)
        assert self._known[name] == schema, f"{name} is the name of two schemas"


def _explained(schema: JsonSchema, owner: str) -> JsonSchema:
    """An object whose fields all say what they mean."""
    if "properties" not in schema:
        return schema
    told = {name: {"description": meaning_of(name, owner)} | of for name, of in schema["properties"].items()}
    return schema | {"properties": told}


def fields_shown(shape: Shape) -> dict[str, str]:
    """The fields of its entity that an object shows: their names in Python and in JSON."""
    assert shape.of is not None
    names = {f.name: camel_case(f.name) for f in fields(shape.of)}
    if shape.only:
        return {python: json for json in shape.only for python, shown in names.items() if shown == json}
    return {python: json for python, json in names.items() if json not in shape.without}


def example_of(part: Part) -> Any:
    """A sample of what is answered."""
    match part:
        case Of(_, example):
            return example
        case ListOf(items):
            return [example_of(items)]
        case Nullable(inner) | Either(inner, _):
            return example_of(inner)
        case Shape():
            sample = sample_of(part.of) if part.of else {}
            own = {name: sample[name] for name in fields_shown(part).values()} if part.of else {}
            return own | {name: example_of(more) for name, more in part.more.items()}
