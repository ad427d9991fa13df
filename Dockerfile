# The browser files of the pages, by the names and versions of their package.json.
FROM node:22-bookworm-slim AS browser
COPY server/graphiql/package.json /graphiql/
COPY server/reference/package.json /reference/
RUN for page in graphiql reference; do \
        cd /$page && npm install --omit=dev --ignore-scripts --no-audit --no-fund --no-package-lock || exit 1; \
    done

# The console, typed by the schema and built into files.
FROM node:22-bookworm-slim AS console
WORKDIR /build/console
COPY console/package.json console/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY schema.graphql /build/
COPY console ./
RUN npm run build

FROM python:3.13-slim-bookworm AS packages
COPY requirements.lock ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.13-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home tessera
WORKDIR /app
COPY --from=packages /venv /venv
COPY models models
COPY services services
COPY schema schema
COPY resolvers resolvers
COPY rest rest
COPY consumers consumers
COPY graphql_engine graphql_engine
COPY server server
COPY --from=browser /graphiql/node_modules server/graphiql/node_modules
COPY --from=browser /reference/node_modules server/reference/node_modules
COPY --from=console /build/server/console/built server/console/built
USER tessera
EXPOSE 3000
# SIGTERM drains: requests in flight are finished before the process ends.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-m", "server", "health"]
CMD ["python", "-m", "server", "serve", "--workers", "2"]
