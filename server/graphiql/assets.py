"""The files of the page: ours from `static/`, GraphiQL's from npm."""

from pathlib import Path

from server.assets import AssetFolder

FILES = AssetFolder(
    Path(__file__).parent,
    "/graphql/assets",
    {
        "react.js": "react/umd/react.production.min.js",
        "react-dom.js": "react-dom/umd/react-dom.production.min.js",
        "graphiql.js": "graphiql/graphiql.min.js",
        "graphiql.css": "graphiql/graphiql.min.css",
        "explorer.js": "@graphiql/plugin-explorer/dist/index.umd.js",
        "explorer.css": "@graphiql/plugin-explorer/dist/style.css",
    },
)
