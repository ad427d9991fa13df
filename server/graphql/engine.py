"""The engine in Tessera's words: who may know the schema, and which error of the tree a refusal is."""

from typing import Any, Protocol, cast

from graphql import GraphQLError
from typing_extensions import override

from graphql_engine.engine import Engine
from graphql_engine.errors import DocumentNotPersisted, IntrospectionRefused, MethodRefused, OutOfTime
from models.errors import DomainError, Forbidden, MethodNotAllowed, ServiceUnavailable
from models.principal import Principal, Role
from server.graphql.errors import present, report
from services.kit.transactions import as_domain_error


class RequestContext(Protocol):
    """What the transports ask of the context of a request."""

    principal: Principal
    response_headers: dict[str, str]
    connection_params: dict[str, Any] | None

    @property
    def request_id(self) -> str: ...


class TesseraEngine(Engine):
    """Admins know the schema, everyone where the tools are open; faults are shown as those of REST."""

    @override
    def trusts(self, context: object) -> bool:
        return super().trusts(context) or cast("RequestContext", context).principal.role is not None

    @override
    def explain(self, fault: Exception, context: object) -> DomainError:
        match fault:
            case IntrospectionRefused():
                return _refusal_of(cast("RequestContext", context).principal)
            case DocumentNotPersisted():
                return Forbidden("Only trusted documents are served")
            case MethodRefused():
                return MethodNotAllowed(["POST"])
            case OutOfTime():
                return ServiceUnavailable("The request took too long and was given up")
        shown = as_domain_error(fault)
        if shown is not fault:
            report(fault, shown, None, cast("RequestContext", context).request_id)
        return shown

    @override
    def present(self, errors: list[GraphQLError], context: object, limit: int) -> None:
        present(errors, getattr(context, "request_id", ""), limit)


def _refusal_of(caller: Principal) -> DomainError:
    """Returns why this caller is no admin."""
    try:
        caller.require_role(Role.VIEWER)
    except DomainError as refusal:
        return refusal
    raise AssertionError("An admin is trusted")
