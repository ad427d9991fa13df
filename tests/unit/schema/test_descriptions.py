"""The schema says of everything in it what it is."""

from collections.abc import Iterator

from graphql import (
    GraphQLSchema,
    build_schema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_specified_scalar_type,
)

from models.principal import Role
from server.graphql.schema import print_sdl
from tests.support.roles import GRAPHQL


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Everything that a description can stand at, by its path, with the description."""
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if is_enum_type(kind):
            yield from ((f"{name}.{value}", one.description) for value, one in kind.values.items())
        elif is_input_object_type(kind):
            yield from ((f"{name}.{field}", one.description) for field, one in kind.fields.items())
        elif is_object_type(kind) or is_interface_type(kind):
            for field, one in kind.fields.items():
                yield f"{name}.{field}", one.description
                yield from ((f"{name}.{field}({arg}:)", each.description) for arg, each in one.args.items())


def test_every_type_field_argument_input_field_and_enum_value_has_its_description() -> None:
    found = dict(described(build_schema(print_sdl())))
    assert len(found) > 300
    assert {"Mutation.createCoupon(input:)", "ProblemCode.FORBIDDEN", "AddUsageInput.userId"} <= found.keys()
    assert [path for path, text in found.items() if not text or not text.strip()] == []


def test_a_description_is_a_sentence_and_not_the_name_again() -> None:
    for path, text in described(build_schema(print_sdl())):
        words = (text or "").strip()
        name = path.rstrip(":)").replace("(", ".").split(".")[-1]
        assert " " in words, path
        assert words.endswith((".", "`.")), path
        assert words.rstrip(".").replace(" ", "").lower() != name.lower(), path


def test_a_root_field_that_is_not_for_every_admin_says_for_which() -> None:
    schema = build_schema(print_sdl())
    assert schema.query_type
    assert schema.mutation_type
    wanted = {Role.ADMIN: "of the role ADMIN.", Role.SUPPORT: "of the role SUPPORT or ADMIN."}
    for name, field in (schema.query_type.fields | schema.mutation_type.fields).items():
        role, text = GRAPHQL[name], field.description or ""
        end = wanted.get(role) if role else None
        assert ("of the role" in text) is (end is not None), name
        assert text.endswith(end or ""), name
