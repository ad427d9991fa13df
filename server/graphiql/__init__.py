"""GraphiQL for admins: one page at `/graphql`, its files at `/graphql/assets/…`, nothing from another host."""

from server.graphiql.assets import graphiql_assets
from server.graphiql.page import graphiql_page

__all__ = ["graphiql_assets", "graphiql_page"]
