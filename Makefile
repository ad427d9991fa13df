# Everything a developer types. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Several tests at once: they wait more than they compute, and four keep two cores at work.
WORKERS ?= 4
PYTEST_ALL := pytest -n $(WORKERS) --dist worksteal
# Folders whose package.json names browser assets, test tools or peers of the benchmarks, all pinned.
NPM_FOLDERS := $(patsubst %/package.json,%,$(wildcard server/*/package.json tests/e2e/*/package.json bench/*/package.json))
NPM_STAMPS := $(addsuffix /node_modules/.stamp,$(NPM_FOLDERS))
PAGE_STAMPS := $(filter server/%,$(NPM_STAMPS))
# Examples have locks of their own, as a front end of anybody else would.
EXAMPLE_STAMPS := $(patsubst %/package-lock.json,%/node_modules/.stamp,$(wildcard examples/*/package-lock.json))
STOREFRONT := examples/storefront/dist/.stamp
STOREFRONT_SOURCES := $(shell find examples/storefront -not -path '*/node_modules*' -not -path '*/dist*' -not -path '*/src/gql*' -type f)
# The console, built from its sources and from the schema that they are typed by.
CONSOLE := server/console/built/index.html
CONSOLE_SOURCES := $(shell find console/src -name generated -prune -o -type f -print) \
	$(wildcard console/*.html console/*.json console/*.mjs console/*.ts) schema.graphql

# Names, versions and hashes alone: no address of a registry, and of no sponsor.
LOCK_WITHOUT_ADDRESSES := const fs = require("fs"), lock = JSON.parse(fs.readFileSync("package-lock.json")); \
	for (const one of Object.values(lock.packages)) delete one.funding; \
	fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast coverage check format schema fuzz bench bench-smoke lock clean

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BIN)/tessera $(NPM_STAMPS) $(EXAMPLE_STAMPS) $(STOREFRONT) $(CONSOLE) ## Install everything into .venv (quick when nothing changed)

run: $(BIN)/tessera $(PAGE_STAMPS) $(CONSOLE) ## Start MongoDB, Kafka, the API and the consumers here
	@exec $(BIN)/tessera dev

test: setup ## Run every test against a real MongoDB and a real Kafka
	$(BIN)/python -m $(PYTEST_ALL)

coverage: setup ## Run every test and measure what of each package they reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST_ALL)
	$(BIN)/coverage combine --quiet
	@below=; for package in consumers models resolvers rest services; do \
		$(BIN)/coverage report --include="$$package/*" || below="$$below $$package"; \
	done; test -z "$$below" || { echo "below the floor:$$below"; exit 1; }

test-fast: setup ## Run the tests that need no server
	$(BIN)/python -m pytest -q --hypothesis-profile=fast tests/unit

check: setup ## Lint, format, types, schema.graphql, openapi.json, import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/tessera schema --check schema.graphql
	$(BIN)/tessera openapi --check openapi.json
	$(BIN)/python -m pytest -q tests/architecture

format: setup ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup ## Write schema.graphql and openapi.json
	$(BIN)/tessera schema --output schema.graphql
	$(BIN)/tessera openapi --output openapi.json

fuzz: setup ## Try the REST paths with 20,000 requests that openapi.json makes
	FUZZ_EXAMPLES=220 $(BIN)/python -m pytest -q -s tests/e2e/openapi

bench: setup ## Measure against the peers and write bench/RESULTS.md
	$(BIN)/python -m bench

bench-smoke: setup ## Run every benchmark, small
	$(BIN)/python -m bench --smoke

lock: ## Pin all dependencies anew, with hashes
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv
	$(VENV)/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--extra telemetry --custom-compile-command 'make lock' pyproject.toml -o requirements.lock
	$(VENV)/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --all-extras \
		--custom-compile-command 'make lock' -c requirements.lock pyproject.toml -o requirements-dev.lock
	for folder in console $(patsubst %/package-lock.json,%,$(wildcard examples/*/package-lock.json)); do \
		(cd $$folder && rm -f package-lock.json && npm install --package-lock-only --no-audit --no-fund \
			--omit-lockfile-registry-resolved && node -e '$(LOCK_WITHOUT_ADDRESSES)') || exit 1; \
	done

clean: ## Remove what was installed and built; data in .tessera stays
	rm -rf $(VENV) build dist artefacts server/console/built console/src/generated examples/*/dist examples/*/src/gql .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Say which: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# All of the checkout can be imported from anywhere, `devtools` included, which the wheel leaves out.
# The last step makes the script, so its date says that all went well.
$(BIN)/tessera: $(VENV)/.python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat -e .
	@touch $@

$(EXAMPLE_STAMPS) console/node_modules/.stamp: %/node_modules/.stamp: %/package-lock.json
	@if command -v npm >/dev/null; then \
		echo "npm ci in $*"; \
		cd $* && npm ci --no-audit --no-fund --ignore-scripts --prefer-offline --loglevel=error && touch node_modules/.stamp; \
	else \
		echo "npm is not on this machine: $* stays without its packages"; \
	fi

$(STOREFRONT): examples/storefront/node_modules/.stamp $(STOREFRONT_SOURCES) schema.graphql
	@if test -d examples/storefront/node_modules; then \
		echo "build examples/storefront"; \
		cd examples/storefront && npm run --silent build -- --logLevel warn && touch dist/.stamp; \
	fi

%/node_modules/.stamp: %/package.json
	@if command -v npm >/dev/null; then \
		echo "npm install in $*"; \
		cd $* && npm install --no-audit --no-fund --ignore-scripts --no-package-lock --loglevel=error && touch node_modules/.stamp; \
	else \
		echo "npm is not on this machine: $* stays without its packages"; \
	fi

$(CONSOLE): console/node_modules/.stamp $(CONSOLE_SOURCES)
	@if test -e console/node_modules/.stamp; then \
		echo "build the console"; \
		cd console && npm run --silent build; \
	else \
		echo "the console is not built"; \
	fi
