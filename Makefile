# make serve · make test · make lint · make mutants: each builds what it needs in .venv first.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# Empty when the interpreter will do, otherwise what is wrong with it.
problem = $(shell [ -n "$(PYTHON)" ] || { echo "Python 3.11 or later is needed and was not found (name one with PYTHON=...)"; exit; }; \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "$(PYTHON) is not Python 3.11 or later (name one with PYTHON=...)"; exit; }; \
	"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || \
		echo "$(PYTHON) has no venv module (on Debian: apt-get install python3-venv)")

BIN = .venv/bin

.PHONY: serve test test-postgres lint catalogue combinations oracle mutants mutation fuzz validate validate-api constraints \
	clean browser-packages names

serve: .venv/.ready
	@$(BIN)/payer-sandbox serve $(ARGS)

test: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# The same on a PostgreSQL server of its own (Debian's package): everything that keeps a library or a ledger.
test-postgres: .venv/.dev
	@cd tests && ../$(BIN)/python -m support.stores ../$(BIN)/python -m pytest -c ../pyproject.toml --rootdir .. \
		-W ignore::pytest.PytestUnraisableExceptionWarning -n auto --dist worksteal $(or $(ARGS),unit/store unit/auth flows scenarios attacks)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/payer-sandbox scenarios lint
	$(BIN)/payer-sandbox scenarios schema | cmp - scenarios/schema.json

# Every scenario graded, each interaction, and what they show twice and on other days.
catalogue: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m catalogue tests/scenarios $(ARGS)

# Two hundred combinations of scenarios graded: minutes.
combinations: .venv/.dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -m combinations tests/scenarios $(ARGS)

# 20,000 searches, each answered by the library and by a plain filter in Python: minutes.
oracle: .venv/.dev
	@$(BIN)/python benchmarks/oracle.py $(ARGS)

# The self-check of the grader: every mutant of every check must make its tests fail.
mutants: .venv/.dev
	@$(BIN)/python tests/unit/score/mutants.py $(ARGS)

# Mutation testing of the whole grader by mutmut: a sample (ARGS="--mutants 600"), minutes; all, hours.
mutation: .venv/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	@$(BIN)/python benchmarks/mutation.py $(ARGS)

# The whole population under the validator of the guides, where that lies (GUIDES=folder): minutes.
validate: .venv/.dev
	@rm -rf out/validate && $(BIN)/payer-sandbox generate --out out/validate $(ARGS)
	@rm out/validate/members.*
	@$(BIN)/python $(GUIDES)/validate --require-profile $(IGS) out/validate

# The same as its members get it: every type of every member over HTTP, page after page (GUIDES=folder).
validate-api: .venv/.dev
	@rm -rf out/api && $(BIN)/python benchmarks/through_the_api.py out/api $(ARGS)
	@$(BIN)/python $(GUIDES)/validate --require-profile $(IGS) out/api

# Odd requests to every /auth route (ARGS="requests seed", 20,000 and 1 unless told): minutes.
fuzz: .venv/.dev
	@$(BIN)/python benchmarks/fuzz_auth.py $(ARGS)

# The lists that names and addresses are drawn from, taken anew from the Faker that is installed.
names: .venv/.ready
	@$(BIN)/python -m sandbox.synth.config.faker_pools > fixtures/names.yaml.part && mv fixtures/names.yaml.part fixtures/names.yaml

# What the tests load from npm (axe-core, fhirclient, fhir-kit-client), in a folder git does not see.
browser-packages:
	cd tests/browser && npm install --no-package-lock --no-audit --no-fund --legacy-peer-deps \
		--ignore-scripts --omit=optional --loglevel=error

# Versions of a fresh environment, for applications and the container.
constraints:
	@rm -rf out/constraints && "$(PYTHON)" -m venv out/constraints
	@out/constraints/bin/python -m pip install --quiet --disable-pip-version-check '.[postgres]'
	@{ sed -n '/^#/p' deploy/constraints.txt; \
		out/constraints/bin/python -m pip freeze --disable-pip-version-check --exclude payer-sandbox; } > out/constraints.txt
	@mv out/constraints.txt deploy/constraints.txt
	@rm -rf out/constraints

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
