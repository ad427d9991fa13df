"""GraphiQL for admins: one page at `/graphql`, its files at `/graphql/assets/…`, nothing from another host."""

from server.graphiql.assets import FILES
from server.graphiql.page import graphiql_page

graphiql_assets = FILES.routes
"""To be put before the GraphQL route."""

__all__ = ["graphiql_assets", "graphiql_page"]
