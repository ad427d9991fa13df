"""Literals lifted into variables, so that documents which differ only in them are parsed and validated once.

`{ coupon(couponCode: "AB12-CD34") { … } }` with another code is the same document to the server. The text is cut at its
numbers and strings; what is left is the key under which the document is kept, with variables where the literals stood.
Only literals that mean the same as a variable of the same type are lifted, and only where all of a document's are;
every other document is kept by its whole text.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Source,
    TypeInfo,
    TypeInfoVisitor,
    get_location,
    get_nullable_type,
    parse_type,
    visit,
)
from graphql.language import (
    SKIP,
    FloatValueNode,
    IntValueNode,
    NameNode,
    Node,
    StringValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    VisitorAction,
)

# What GraphQL's lexer would read at each place. Strings with escapes, block strings and anything odd are left to it.
_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n\r]*|[_A-Za-z][_0-9A-Za-z]*)
      |(?P<string>"[^"\\\x00-\x1f\ud800-\udfff]*"(?!"))
      |(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![_0-9A-Za-z.]))
      |(?P<odd>["\-0-9])""",
    re.VERBOSE,
)
_STRING, _NUMBER, _ODD = "string", "number", "odd"
_LONGEST_NUMBER = 30
_INTEGERS = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True)
class Shape:
    """A text without its literals, and each literal with the place where it starts."""

    key: str
    literals: tuple[tuple[int, str], ...]


def shape_of(text: str) -> Shape | None:
    """Returns the shape of a text, or None where it has no literals, or some that only the lexer understands."""
    literals: list[tuple[int, str]] = []
    pieces: list[str] = []
    done = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == _ODD or (kind == _NUMBER and len(token[0]) > _LONGEST_NUMBER):
            return None
        if kind in (_STRING, _NUMBER):
            literals.append((token.start(), token[0]))
            # The kind stays in the key: a string is no number, and a fraction is no whole number.
            pieces += text[done : token.start()], '"' if kind == _STRING else "0" if _is_whole(token[0]) else "0.0"
            done = token.end()
    return Shape("".join((*pieces, text[done:])), tuple(literals)) if literals else None


def _is_whole(number: str) -> bool:
    return number.removeprefix("-").isdecimal()


def _read_int(literal: str) -> int | None:
    number = int(literal)
    return number if number in _INTEGERS else None


def _read_float(literal: str) -> float | None:
    number = float(literal)
    return number if math.isfinite(number) else None


def _read_text(literal: str) -> str:
    """Of a String or an ID; an ID may be written as a whole number, and is that number's text."""
    return literal.strip('"')


_READERS: dict[object, Callable[[str], object]] = {
    GraphQLString: _read_text,
    GraphQLID: _read_text,
    GraphQLInt: _read_int,
    GraphQLFloat: _read_float,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a literal stood in the text that the document was made of, and the variable that stands there now."""

    variable: str
    start: int
    length: int
    read: Callable[[str], object]


def values_of(slots: tuple[Slot, ...], shape: Shape) -> dict[str, object] | None:
    """Returns the variables that stand for the literals, or None where one of them does not fit its type."""
    values = {slot.variable: slot.read(literal) for slot, (_, literal) in zip(slots, shape.literals, strict=True)}
    return None if None in values.values() else values


def relocate(errors: list[GraphQLError], slots: tuple[Slot, ...], shape: Shape, text: str) -> None:
    """Moves the errors' locations from the text that the document was made of to the text that was sent."""
    source = Source(text)
    growth = [(slot.start, len(one[1]) - slot.length) for slot, one in zip(slots, shape.literals, strict=True)]
    for error in errors:
        places = [place + sum(more for start, more in growth if start < place) for place in error.positions or ()]
        if places:
            error.positions = places
            error.locations = [get_location(source, place) for place in places]


def lift(schema: GraphQLSchema, node: DocumentNode, shape: Shape) -> tuple[DocumentNode, tuple[Slot, ...]] | None:
    """Returns a valid document of one operation with variables for all its literals, or None where that cannot be."""
    type_info = TypeInfo(schema)
    lifter = _Lifter(type_info)
    lifted = visit(node, TypeInfoVisitor(type_info, lifter))
    operations = [one for one in lifted.definitions if isinstance(one, OperationDefinitionNode)]
    if len(lifter.slots) != len(shape.literals) or len(operations) != 1:
        return None
    [operation] = operations
    extended = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=(*(operation.variable_definitions or ()), *lifter.definitions),
        directives=operation.directives,
        selection_set=operation.selection_set,
        loc=operation.loc,
    )
    definitions = tuple(extended if one is operation else one for one in lifted.definitions)
    slots = tuple(sorted(lifter.slots, key=lambda slot: slot.start))
    return DocumentNode(definitions=definitions, loc=lifted.loc), slots


class _Lifter(Visitor):
    """Puts a variable in place of each literal that can be one."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self.slots: list[Slot] = []
        self.definitions: list[VariableDefinitionNode] = []
        self._type_info = type_info

    def enter_variable_definition(self, *_: object) -> VisitorAction:
        return SKIP  # A default must stay a constant.

    def enter_directive(self, *_: object) -> VisitorAction:
        return SKIP  # Directives may hold constants alone, too.

    def enter_int_value(self, node: IntValueNode, *_: object) -> Node | None:
        return self._variable(node)

    def enter_float_value(self, node: FloatValueNode, *_: object) -> Node | None:
        return self._variable(node)

    def enter_string_value(self, node: StringValueNode, *_: object) -> Node | None:
        return self._variable(node)

    def _variable(self, node: IntValueNode | FloatValueNode | StringValueNode) -> Node | None:
        expected = self._type_info.get_input_type()
        read = _READERS.get(get_nullable_type(expected))
        if read is None or node.loc is None:
            return None
        # Two underscores: a client that has such a variable of its own is not lifted, as the two would clash.
        variable = VariableNode(name=NameNode(value=f"__{len(self.slots)}", loc=node.loc), loc=node.loc)
        definition = VariableDefinitionNode(
            variable=variable, type=parse_type(str(expected)), directives=(), loc=node.loc
        )
        self.definitions.append(definition)
        self.slots.append(Slot(variable.name.value, node.loc.start, node.loc.end - node.loc.start, read))
        return variable
