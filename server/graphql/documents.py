"""Documents, parsed and validated once: what passed is kept by its text, so that a client's next request skips both."""

from collections import OrderedDict
from dataclasses import dataclass

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

from models.errors import ErrorCode
from server.graphql.codes import GraphQLCode, coded
from server.graphql.limits import NOTHING, Cost, CostWalk, Limits, excess

RULES = (*specified_rules, MaybeNullValidationRule)
# How graphql-core's messages end when it gives up: by a limit of the parser, and by a budget of the validator.
PARSING_ABORTED = "Parsing aborted."
VALIDATION_ABORTED = "Validation aborted."


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Document:
    """A parsed document. Lives as long as it stays in the cache, so what is made of it may be kept by its identity."""

    text: str
    node: DocumentNode
    operations: tuple[OperationDefinitionNode, ...]
    cost: Cost
    """Of all its operations together."""

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises `GraphQLError` where the name is unknown, or missing among several."""
        if name is None:
            if len(self.operations) == 1:
                return self.operations[0]
            missing = "Must provide an operation."
            several = "Must provide operation name if query contains multiple operations."
            raise coded(GraphQLError(several if self.operations else missing), ErrorCode.BAD_USER_INPUT)
        for operation in self.operations:
            if operation.name is not None and operation.name.value == name:
                return operation
        raise coded(GraphQLError(f"Unknown operation named '{name}'."), ErrorCode.BAD_USER_INPUT)


class Documents:
    """The parser, the validator and their cache of at most `size` texts, the least used leaving first.

    Only valid documents are kept, and only short ones, so that neither faults nor bulk drive out what clients use.
    `parses` and `validations` count the work that the cache did not spare.
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

    def kept(self, text: str) -> Document | None:
        """The valid document of this text, when it was met before."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
        return document

    def parse(self, text: str) -> Document:
        """Parse and measure. Raises `GraphQLError` for a syntax error or a passed limit."""
        self.parses += 1
        try:
            node = parse(text, max_lexical_tokens=self._limits.tokens, max_comments=self._limits.comments)
        except GraphQLSyntaxError as error:
            too_much = error.message.endswith(PARSING_ABORTED)
            code = GraphQLCode.QUERY_TOO_COMPLEX if too_much else GraphQLCode.GRAPHQL_PARSE_FAILED
            raise coded(error, code) from None
        operations = tuple(one for one in node.definitions if isinstance(one, OperationDefinitionNode))
        walk, total = CostWalk(node), NOTHING
        for operation in operations:
            cost = walk.measure(operation.selection_set)
            refusal = excess(operation, cost, self._limits)
            if refusal is not None:
                raise refusal
            total += cost
        return Document(text, node, operations, total)

    def validate(self, document: Document, *, hide_suggestions: bool) -> list[GraphQLError]:
        """Every fault up to the limit of errors; a document without any is kept."""
        self.validations += 1
        errors = validate(self._schema, document.node, RULES, self._limits.errors, hide_suggestions)
        if not errors and len(document.text) <= self._longest:
            self._kept[document.text] = document
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        for error in errors:
            gave_up = error.message == VALIDATION_ABORTED
            coded(error, GraphQLCode.QUERY_TOO_COMPLEX if gave_up else GraphQLCode.GRAPHQL_VALIDATION_FAILED)
        return errors
