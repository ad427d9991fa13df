"""No verb is without its role: `tests/integration/admin_keys/test_roles.py` tries each row for every caller."""

from graphql import OperationType, build_schema
from starlette.routing import Route

from rest.routes import admin_routes, public_routes
from tests.support.processes import ROOT
from tests.support.roles import GRAPHQL, REST


def test_every_route_has_its_row() -> None:
    routes = set()
    for prefix, listed in (("", public_routes), ("/admin", admin_routes)):
        for route in listed:
            assert isinstance(route, Route)
            routes |= {f"{method} {prefix}{route.path}" for method in (route.methods or set()) - {"HEAD"}}
    assert routes == set(REST)


def test_every_root_field_has_its_row() -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    roots = filter(None, map(schema.get_root_type, OperationType))
    assert {name for root in roots for name in root.fields} == set(GRAPHQL)
