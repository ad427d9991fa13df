"""Documents, parsed and validated once.

What passed is kept by its text, or by its text without literals, so that a client's next request skips both.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from graphql_engine.errors import GraphQLCode, coded
from graphql_engine.limits import NOTHING, Cost, CostWalk, Limits, excess
from graphql_engine.literals import Shape, Slot, lift, relocate, shape_of, values_of

RULES = (*specified_rules, MaybeNullValidationRule)
# How graphql-core's messages end when it gives up: by a limit of the parser, and by a budget of the validator.
PARSING_ABORTED = "Parsing aborted."
VALIDATION_ABORTED = "Validation aborted."
SHAPE = "\0"
"""Begins the key of a document that is kept by its shape: no text that parses holds it."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Document:
    """A parsed document. Lives as long as it stays in the cache, so what is made of it may be kept by its identity."""

    text: str
    node: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    cost: Cost
    """Of all its operations together."""
    slots: tuple[Slot, ...] = ()
    """Where variables stand for the literals of the text."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """Returns the operation to run. Raises `GraphQLError` where the name is unknown, or missing among several."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            missing = "Must provide an operation."
            several = "Must provide operation name if query contains multiple operations."
            raise coded(GraphQLError(several if self.operations else missing), GraphQLCode.BAD_USER_INPUT)
        for operation in self.operations:
            if operation.name is not None and operation.name.value == name:
                return operation
        raise coded(GraphQLError(f"Unknown operation named '{name}'."), GraphQLCode.BAD_USER_INPUT)


@dataclass(frozen=True, slots=True)
class Found:
    """A valid document and what this text puts into it."""

    document: Document
    text: str
    shape: Shape | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    """Of the variables that stand for the text's literals."""

    def variables(self, given: Mapping[str, object] | None) -> Mapping[str, object] | None:
        """Returns the variables that the client gave, and those that stand for its literals."""
        return {**(given or {}), **self.values} if self.values else given

    def relocate(self, errors: list[GraphQLError]) -> None:
        """Lets the errors point into this text."""
        if self.shape is not None and self.text != self.document.text:
            relocate(errors, self.document.slots, self.shape, self.text)


class Documents:
    """The parser, the validator and their cache of at most `size` documents, the least used leaving first.

    Only valid documents are kept, and only short ones, so that neither faults nor bulk drive out what clients use.
    `parses` and `validations` count the texts that the cache did not spare.
    """

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, size: int = 512, longest: int = 10_000) -> None:
        self.parses = 0
        self.validations = 0
        self._schema = schema
        self._limits = limits
        self._size = size
        self._longest = longest
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, text: str) -> Found | None:
        """Returns the valid document of this text when it was met before, or one with other literals."""
        document = self._get(text)
        if document is not None:
            return Found(document, text)
        shape = shape_of(text) if len(text) <= self._longest else None
        document = self._get(SHAPE + shape.key) if shape is not None else None
        if shape is None or document is None:
            return None
        values = values_of(document.slots, shape)
        return None if values is None else Found(document, text, shape, values)

    def _get(self, key: str) -> Document | None:
        document = self._kept.get(key)
        if document is not None:
            self._kept.move_to_end(key)
        return document

    def _keep(self, key: str, document: Document) -> None:
        self._kept[key] = document
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def parse(self, text: str) -> Document:
        """Parses and measures. Raises `GraphQLError` for a syntax error or a passed limit."""
        self.parses += 1
        try:
            node = parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.comments)
        except GraphQLSyntaxError as error:
            too_much = error.message.endswith(PARSING_ABORTED)
            code = GraphQLCode.QUERY_TOO_COMPLEX if too_much else GraphQLCode.GRAPHQL_PARSE_FAILED
            raise coded(error, code) from None
        operations = _operations(node)
        walk, total = CostWalk(node), NOTHING
        for operation in operations:
            cost = walk.measure(operation.selection_set)
            refusal = excess(operation, cost, self._limits)
            if refusal is not None:
                raise refusal
            total += cost
        return Document(text, node, operations, total)

    def validate(self, document: Document, *, hide_suggestions: bool) -> list[GraphQLError]:
        """Returns every fault up to the limit of errors; keeps a document without any."""
        self.validations += 1
        errors = validate(self._schema, document.node, RULES, self._limits.errors, hide_suggestions)
        if not errors and len(document.text) <= self._longest:
            shape = shape_of(document.text)
            lifted = self._lift(document, shape) if shape is not None else None
            if shape is not None and lifted is not None:
                self._keep(SHAPE + shape.key, lifted)
            else:
                self._keep(document.text, document)
        for error in errors:
            gave_up = error.message == VALIDATION_ABORTED
            coded(error, GraphQLCode.QUERY_TOO_COMPLEX if gave_up else GraphQLCode.GRAPHQL_VALIDATION_FAILED)
        return errors

    def _lift(self, document: Document, shape: Shape) -> Document | None:
        lifted = lift(self._schema, document.node, shape)
        if lifted is None:
            return None
        node, slots = lifted
        # Two equal arguments of fields that merge become two variables, which do not.
        if validate(self._schema, node, RULES, 1, hide_suggestions=True):
            return None
        return Document(document.text, node, _operations(node), document.cost, slots)


def _operations(node: DocumentNode) -> tuple[OperationDefinitionNode, ...]:
    return tuple(one for one in node.definitions if isinstance(one, OperationDefinitionNode))
