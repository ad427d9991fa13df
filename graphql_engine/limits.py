"""How much a document may ask for: one linear walk over it, made before validation.

Validation compares fields in pairs and execution follows every fragment spread, so both can cost far more than the
text shows. Each definition is therefore walked once and each fragment's cost is added wherever it is spread, without
walking it again: twenty fragments that spread one another twice cost twenty visits, not a million.
"""

from dataclasses import dataclass

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, OperationType
from graphql.language import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from graphql_engine.errors import GraphQLCode, coded


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one document may hold. The standard introspection query (183 tokens, depth 15) passes."""

    tokens: int = 500
    comments: int = 100
    depth: int = 16
    fields: int = 1_000
    aliases: int = 50
    root_fields: int = 30
    root_mutations: int = 20
    errors: int = 8
    """The most errors that are listed of a request that cannot run."""
    field_errors: int = 50
    """The most errors that are listed of one that ran."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection asks for, with every fragment put in place of its spreads."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    root_fields: int = 0
    introspects: bool = False

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.root_fields + other.root_fields,
            self.introspects or other.introspects,
        )

    def under(self, field: FieldNode) -> "Cost":
        """Returns the cost of `field`, where this is the cost of what is selected on it."""
        return Cost(
            self.depth + 1,
            self.fields + 1,
            self.aliases + (field.alias is not None),
            1,
            self.introspects or field.name.value in ("__schema", "__type"),
        )


NOTHING = Cost()


class CostWalk:
    """Measures the operations of one document. `visits` counts the nodes walked, which never passes their number."""

    def __init__(self, document: DocumentNode) -> None:
        self.visits = 0
        self._known: dict[str, Cost] = {}
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def measure(self, selection_set: SelectionSetNode | None) -> Cost:
        cost = NOTHING
        for selection in selection_set.selections if selection_set else ():
            self.visits += 1
            if isinstance(selection, FieldNode):
                cost += self.measure(selection.selection_set).under(selection)
            elif isinstance(selection, InlineFragmentNode):
                cost += self.measure(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                cost += self._fragment(selection.name.value)
        return cost

    def _fragment(self, name: str) -> Cost:
        fragment = self._fragments.get(name)
        if fragment is None:
            return NOTHING  # Validation says that it is unknown.
        if name not in self._known:
            self._known[name] = NOTHING  # What spreads itself ends here; validation refuses it.
            self._known[name] = self.measure(fragment.selection_set)
        return self._known[name]


def excess(operation: OperationDefinitionNode, cost: Cost, limits: Limits) -> GraphQLError | None:
    """Returns the refusal of an operation that passes a limit, naming what it has too much of, or None."""
    is_mutation = operation.operation is OperationType.MUTATION
    root_limit = limits.root_mutations if is_mutation else limits.root_fields
    counts = (
        ("levels of nesting", cost.depth, limits.depth),
        ("root fields", cost.root_fields, root_limit),
        ("aliases", cost.aliases, limits.aliases),
        ("fields", cost.fields, limits.fields),
    )
    for what, count, limit in counts:
        if count > limit:
            message = f"The operation has too many {what}: at most {limit} are allowed."
            return coded(GraphQLError(message, operation), GraphQLCode.QUERY_TOO_COMPLEX)
    return None
