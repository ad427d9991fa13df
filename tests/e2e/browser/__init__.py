"""GraphiQL: its page and files over HTTP, and the whole of it in a real Chromium.

The pictures that a run takes are in `artefacts/`; that of the README is one of them:

    .venv/bin/python -m pytest tests/e2e/browser && cp artefacts/graphiql.png docs/graphiql.png
"""
