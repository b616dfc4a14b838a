# The commands a person types. Plain `make` lists them.

PYTHON = .venv/bin/python
# As many test processes as there are cores, each with a home, a database and a Redis of its own.
PARALLEL = --numprocesses auto --dist worksteal
.DEFAULT_GOAL := help
.PHONY: help run test test-engines test-services test-clients e2e check bench hold wheels sbom audit lock

help: ## This list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

run: ## Install what is needed, start everything, print the address (PORT=8123 chooses the port)
	@scripts/bootstrap.sh requirements.txt
	@exec $(PYTHON) manage.py up --fetch-models $(if $(PORT),--port $(PORT))

test: ## The suite that needs no service, browser or network (ARGS="-k word" goes to pytest; PARALLEL= runs it in one process)
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/pytest.sh $(PARALLEL) $(ARGS)

test-engines: ## The embedded engines with their model files, which are fetched first
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/test-engines.sh $(ARGS)

test-services: ## The suite on PostgreSQL and Redis (POLLWEB_DATABASE_URL, POLLWEB_REDIS_URL), then under daphne
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/test-services.sh $(ARGS)

test-clients: ## Other people's clients in Python and JavaScript, with the model files
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/test-clients.sh $(ARGS)

e2e: ## Journeys in a real browser
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/e2e.sh $(ARGS)

check: ## Formatting, lint, types, import order, templates, translations, migrations
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/check.sh

bench: ## The benchmark suite; prints tables
	@scripts/bootstrap.sh requirements-dev.txt
	@$(PYTHON) -m bench $(ARGS)

wheels: ## Every package of the lock files to run, with traces, into dist/wheels, to install from without a network
	@scripts/bootstrap.sh requirements.txt
	@$(PYTHON) -m pip download --quiet --require-hashes --dest dist/wheels -r requirements-traces.txt
	@echo "$$(ls dist/wheels | wc -l) packages in dist/wheels"

sbom: ## What runs, with versions, hashes and licences: dist/sbom.json (CycloneDX) and dist/licences.txt
	@scripts/bootstrap.sh requirements-dev.txt
	@$(PYTHON) scripts/sbom.py dist

audit: ## Which packages have known vulnerabilities, as far as the registries can be asked (2: not all could be)
	@scripts/bootstrap.sh requirements-dev.txt
	@$(PYTHON) scripts/audit.py

hold: ## What must hold when things break or somebody attacks, C01 to C43 (FULL=1 full sizes, ARGS="C17" some of them)
	@scripts/bootstrap.sh requirements-dev.txt
	@$(PYTHON) -m tests.hold $(ARGS)

lock: ## Pin the newest fitting dependencies, with hashes, in both requirements files
	@scripts/bootstrap.sh requirements-dev.txt
	@scripts/lock.sh
