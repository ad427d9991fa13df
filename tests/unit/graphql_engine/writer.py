"""Writes operations over a schema: nearly all of them valid, with everything in them that clients send."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLCompositeType,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)
from graphql.utilities.type_comparators import do_types_overlap

LITERALS = {
    "String": ['"text"', '""', '"""block"""'],
    "ID": ['"id"', "7"],
    "Int": ["1", "0", "-3"],
    "Float": ["1.5", "2"],
    "Boolean": ["true", "false"],
    "DateTime": ['"2024-01-01T00:00:00Z"'],
    "Decimal": ['"1.50"'],
    "BigInt": ["5", '"9007199254740993"'],
    "Odd": ['"odd"', "5", "[1, 2]", '{a: 1, b: ["x"]}'],
}
VALUES: dict[str, list[Any]] = {
    "String": ["text", ""],
    "ID": ["id", 7],
    "Int": [1, 0, -3, 2.0],
    "Float": [1.5, 2],
    "Boolean": [True, False],
    "DateTime": ["2024-01-01T00:00:00Z"],
    "Decimal": ["1.50"],
    "BigInt": [5, "9007199254740993"],
    "Odd": ["odd", 5, [1, 2], {"a": 1}],
}
WRONG: list[Any] = [None, "text", 5, 1.5, True, [], {}, ["text", None], {"unknown": 1}, 2**40]


@dataclass
class Written:
    """A document, the operation to run, and its variables."""

    text: str
    operation_name: str | None
    variables: dict[str, Any]


@dataclass
class Writer:
    """Writes one operation. `mistakes` is the share of variables that do not fit."""

    schema: GraphQLSchema
    random: Random
    mistakes: float = 0.02
    known: dict[str, list[str]] = field(default_factory=dict)
    """Texts by scalar, beside those that are written anywhere."""
    definitions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, tuple[GraphQLCompositeType, str]] = field(default_factory=dict)
    arguments: dict[tuple[str, str], str] = field(default_factory=dict)
    names: int = 0

    def operation(self, kind: str) -> Written:
        root = self.schema.mutation_type if kind == "mutation" else self.schema.query_type
        assert root is not None
        selected = self.selection(root, self.random.randrange(1, 4))
        variables = ", ".join(self.definitions.values())
        head = f"{kind} Main({variables})" if variables else f"{kind} Main"
        parts = [f"{head} {selected}"]
        parts += [f"fragment {name} on {of} {text}" for name, (of, text) in self.fragments.items()]
        self.random.shuffle(parts)
        several = self.chance(0.1)
        if several:
            parts.append("query Other { __typename }")
        return Written("\n".join(parts), "Main" if several or self.chance(0.3) else None, self.variables)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def selection(self, parent: GraphQLCompositeType, depth: int) -> str:
        return "{ " + " ".join(self.item(parent, depth) for _ in range(self.random.randrange(1, 5))) + " }"

    def item(self, parent: GraphQLCompositeType, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.1:
            of = self.random.choice(self.overlapping(parent))
            condition = "" if of is parent and self.chance(0.5) else f"on {of} "
            return f"... {condition}{self.directive()}{self.selection(of, depth)}"
        if kind < 0.2:
            return f"...{self.fragment(parent, depth)} {self.directive()}"
        if kind < 0.27 or not hasattr(parent, "fields"):
            alias = f"{self.name('t')}: " if self.chance(0.3) else ""
            return f"{alias}__typename {self.directive()}"
        return self.field(parent, depth)

    def overlapping(self, parent: GraphQLCompositeType) -> list[Any]:
        types = [one for one in self.schema.type_map.values() if is_composite_type(one)]
        return [one for one in types if not one.name.startswith("__") and do_types_overlap(self.schema, parent, one)]

    def fragment(self, parent: GraphQLCompositeType, depth: int) -> str:
        fitting = [name for name, (of, _) in self.fragments.items() if do_types_overlap(self.schema, parent, of)]
        if fitting and self.chance(0.5):
            return self.random.choice(fitting)
        of = self.random.choice(self.overlapping(parent))
        text = self.selection(of, depth - 1)
        name = self.name("F")
        self.fragments[name] = (of, text)
        return name

    def field(self, parent: Any, depth: int) -> str:
        fields = {
            name: one
            for name, one in parent.fields.items()
            if depth > 0 or not is_composite_type(get_named_type(one.type))
        }
        if not fields:
            return "__typename"
        name = self.random.choice(list(fields))
        response = self.name("a") if self.chance(0.3) else name
        alias = "" if response == name else f"{response}: "
        given = self.arguments_of(f"{parent}.{name}", response, fields[name])
        of = get_named_type(fields[name].type)
        selected = self.selection(of, depth - 1) if is_composite_type(of) else ""
        return f"{alias}{name}{given} {self.directive()}{selected}"

    def arguments_of(self, place: str, response: str, of: GraphQLField) -> str:
        """Alike wherever the field appears under this name, so that the selections can be merged."""
        key = (place, response)
        if key not in self.arguments:
            given = [
                f"{name}: {self.value(argument.type)}"
                for name, argument in of.args.items()
                if is_required_argument(argument) or self.chance(0.5)
            ]
            self.arguments[key] = f"({', '.join(given)})" if given else ""
        return self.arguments[key]

    def directive(self) -> str:
        if not self.chance(0.15):
            return ""
        name = self.random.choice(["skip", "include"])
        value = (
            self.variable(GraphQLNonNull(GraphQLBoolean)) if self.chance(0.6) else self.random.choice(["true", "false"])
        )
        return f"@{name}(if: {value}) "

    def value(self, of: Any) -> str:
        return self.variable(of) if self.chance(0.5) else self.literal(of)

    def literal(self, of: Any) -> str:
        if isinstance(of, GraphQLNonNull):
            return self.literal_of(of.of_type)
        return "null" if self.chance(0.1) else self.literal_of(of)

    def literal_of(self, of: Any) -> str:
        if isinstance(of, GraphQLList):
            return "[" + ", ".join(self.value(of.of_type) for _ in range(self.random.randrange(3))) + "]"
        if isinstance(of, GraphQLEnumType):
            return str(self.random.choice(list(of.values)))
        if isinstance(of, GraphQLInputObjectType):
            given = [
                f"{name}: {self.value(one.type)}"
                for name, one in of.fields.items()
                if is_required_input_field(one) or self.chance(0.4)
            ]
            return "{" + ", ".join(given) + "}"
        return self.random.choice(LITERALS[of.name] + [f'"{text}"' for text in self.known.get(of.name, ())])

    def variable(self, of: Any) -> str:
        """A variable of this type, or of one that may stand in its place."""
        name = self.name("v")
        inner = of.of_type if isinstance(of, GraphQLNonNull) else of
        has_default = self.chance(0.3)
        declared: Any = of
        if has_default and self.chance(0.7):
            declared = inner
        elif not isinstance(of, GraphQLNonNull) and self.chance(0.3):
            declared = GraphQLNonNull(of)
        default = f" = {self.constant(of)}" if has_default else ""
        self.definitions[name] = f"${name}: {declared}{default}"
        if self.chance(self.mistakes):
            if self.chance(0.7):
                self.variables[name] = self.random.choice(WRONG)
        elif (isinstance(declared, GraphQLNonNull) and not has_default) or self.chance(0.6):
            self.variables[name] = self.json(declared)
        return f"${name}"

    def constant(self, of: Any) -> str:
        """A literal without variables."""
        known = dict(self.definitions), dict(self.variables)
        while True:
            text = self.literal(of)
            self.definitions, self.variables = dict(known[0]), dict(known[1])
            if "$" not in text:
                return text

    def json(self, of: Any) -> Any:
        if isinstance(of, GraphQLNonNull):
            return self.json_of(of.of_type)
        return None if self.chance(0.1) else self.json_of(of)

    def json_of(self, of: Any) -> Any:
        if isinstance(of, GraphQLList):
            return [self.json(of.of_type) for _ in range(self.random.randrange(3))]
        if isinstance(of, GraphQLEnumType):
            return self.random.choice(list(of.values))
        if isinstance(of, GraphQLInputObjectType):
            return {
                name: self.json(one.type)
                for name, one in of.fields.items()
                if is_required_input_field(one) or self.chance(0.4)
            }
        return self.random.choice(VALUES[of.name] + list(self.known.get(of.name, ())))
