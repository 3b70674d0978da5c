# Each target builds what it needs in .venv first. `make help` lists them, each with the comment above it.
# ARGS="…" passes options on: make test ARGS="-k paging".

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# Empty when the interpreter will do, otherwise what is wrong with it.
problem = $(shell [ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed and was not found (name one with PYTHON=...)"; exit; }; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "$(PYTHON) is not Python 3.11 or later (name one with PYTHON=...)"; exit; }; \
	"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
		echo "$(PYTHON) has no venv module (on Debian: apt-get install python3-venv)")

BIN = .venv/bin

# Compiled modules are kept, whatever the shell says: each test process would compile them anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: help serve test test-slow test-postgres lint catalogue combinations oracle mutation fuzz validate validate-api \
	constraints clean browser-packages names

# List the targets.
help:
	@awk '/^# /{if(text=="")text=substr($$0,3); next} \
		/^[a-z-]+:/{if(text!=""){sub(/:.*/,""); printf "%-18s%s\n",$$0,text}} {text=""}' Makefile

# Start a payer at http://127.0.0.1:8080, with the options in ARGS.
serve: .venv/.ready
	@$(BIN)/payer-sandbox serve $(ARGS)

# Run the tests on all cores, but for those of `make test-slow`. ARGS selects some of them.
test: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# Run the tests that take seconds each: browsers, guides, oracles, fuzzing, whole populations: minutes.
test-slow: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "slow or browser or guides" $(ARGS)

# Run the tests that use a store on PostgreSQL, on a server started for them (Debian's package postgresql).
test-postgres: .venv/.dev
	@cd tests && ../$(BIN)/python -m support.stores ../$(BIN)/python -m pytest -c ../pyproject.toml --rootdir .. \
		-W ignore::pytest.PytestUnraisableExceptionWarning -n auto --dist worksteal \
		-m "not browser and not guides and not catalogue and not combinations" $(or $(ARGS),unit/store unit/auth flows scenarios attacks)

# Check style, types, import layers and scenario files.
lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/payer-sandbox scenarios lint
	$(BIN)/payer-sandbox scenarios schema | cmp - scenarios/schema.json

# Grade every scenario, and replay what each one shows on several days: minutes.
catalogue: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m catalogue tests/scenarios $(ARGS)

# Grade two hundred combinations of scenarios: minutes.
combinations: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m combinations tests/scenarios $(ARGS)

# Compare the answers to 20,000 searches with a plain filter in Python: minutes.
oracle: .venv/.dev
	@$(BIN)/python benchmarks/oracle.py $(ARGS)

# Run mutation testing (mutmut) on the grader: 600 mutants, minutes; ARGS="--mutants 0" runs all, hours.
mutation: .venv/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	@$(BIN)/python benchmarks/mutation.py $(ARGS)

# Validate the whole population against the guides (GUIDES=folder of the validator): minutes.
validate: .venv/.dev
	@rm -rf out/validate && $(BIN)/payer-sandbox generate --out out/validate --all-versions $(ARGS)
	@rm out/validate/members.*
	@$(BIN)/python $(GUIDES)/validate --require-profile $(IGS) out/validate

# Validate what members get over HTTP, every type and page (GUIDES=folder of the validator): minutes.
validate-api: .venv/.dev
	@rm -rf out/api && $(BIN)/python benchmarks/through_the_api.py out/api $(ARGS)
	@$(BIN)/python $(GUIDES)/validate --require-profile $(IGS) out/api

# Send 20,000 malformed requests to the /auth routes (ARGS="requests seed"): minutes.
fuzz: .venv/.dev
	@$(BIN)/python benchmarks/fuzz_auth.py $(ARGS)

# Rebuild fixtures/names.yaml from the installed Faker.
names: .venv/.ready
	@$(BIN)/python -m sandbox.synth.config.faker_pools > fixtures/names.yaml.part && mv fixtures/names.yaml.part fixtures/names.yaml

# Install the npm packages that browser and client tests use (axe-core, fhirclient, fhir-kit-client).
browser-packages:
	cd tests/browser && npm install --no-package-lock --no-audit --no-fund --legacy-peer-deps \
		--ignore-scripts --omit=optional --loglevel=error

# Pin the dependency versions of a fresh environment in deploy/constraints.txt.
constraints:
	@rm -rf out/constraints && "$(PYTHON)" -m venv out/constraints
	@out/constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[postgres,mcp]'
	@{ sed -n '/^#/p' deploy/constraints.txt; \
		out/constraints/bin/python -m pip freeze --disable-pip-version-check --exclude payer-sandbox; } > out/constraints.txt
	@mv out/constraints.txt deploy/constraints.txt
	@rm -rf out/constraints

# Remove .venv.
clean:
	rm -rf .venv

# The stamps say when pyproject.toml was last installed. Compiling ahead keeps the first start fast.
.venv/.ready: pyproject.toml
	$(if $(problem),$(error $(problem)))
	@echo "Building the environment in .venv (once)…"
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m compileall -q sandbox
	@touch $@

.venv/.dev: .venv/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
