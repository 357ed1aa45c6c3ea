# Every target works on a fresh clone with Python 3.11, make and a package registry: it first
# makes .venv when that is missing or older than the requirements. What the targets wrap works
# without make too:
#     python -m venv .venv
#     .venv/bin/pip install -r requirements-dev.txt      (.venv\Scripts\pip on Windows)
#     .venv/bin/python manage.py demo
#     .venv/bin/python -m pytest
# PORT, DATA_DIR and every other variable of .env.example reach the product from the environment
# or the command line: make demo PORT=8010 DATA_DIR=/tmp/parley

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Written bytecode saves every process a test starts from reading the whole product as text.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
RUNTIME := .venv/.installed-requirements.txt
DEV := .venv/.installed-requirements-dev.txt
BENCH := .venv/.installed-requirements-bench.txt

# More for pytest: make test ARGS="-k ledger -x"
ARGS ?=
# Processes that share the tests of `make test`; 0 runs them in one, as a debugger wants it.
WORKERS ?= logical
# How long `make soak` lasts.
SOAK_SECONDS ?= 600

.PHONY: help demo doctor test test-browser test-services check format services services-stop \
	services-status bench soak lighthouse image-rehearsal constraints

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' Makefile

$(RUNTIME): requirements.txt constraints.txt
	@scripts/create_venv.sh requirements.txt

$(DEV): requirements-dev.txt requirements.txt constraints.txt
	@scripts/create_venv.sh requirements-dev.txt
	@touch $(RUNTIME)

$(BENCH): requirements-bench.txt requirements-dev.txt requirements.txt constraints.txt
	@scripts/create_venv.sh requirements-bench.txt
	@touch $(RUNTIME) $(DEV)

demo: $(RUNTIME) ## the product with a demo company, on http://127.0.0.1:$PORT (default 8000)
	@$(PY) manage.py demo

doctor: $(RUNTIME) ## look at every configured service and say what to do
	@$(PY) manage.py doctor

test: $(DEV) ## the test suite: no service, no key, no network
	@DATABASE_URL= REDIS_URL= $(PY) -m pytest -q -n $(WORKERS) --maxprocesses 4 \
		--dist worksteal -m "not slow and not browser and not services" $(ARGS)
	@echo "Not run here: browser tests (make test-browser); the suite on PostgreSQL and Redis, and the tests"
	@echo "marked slow, which prove by load, by training or by killed processes (make test-services runs both)."

test-browser: $(DEV) ## the tests in a real Chromium (installs Debian's when absent and root)
	@scripts/install_axe.sh
	@scripts/install_guide_packages.sh
	@scripts/install_livekit_client.sh
	@CHROMIUM="$$(scripts/find_chromium.sh)" && export CHROMIUM && \
		DATABASE_URL= REDIS_URL= $(PY) -m pytest -q -n $(WORKERS) --maxprocesses 2 --dist loadfile \
		-m browser $(ARGS)

test-services: $(DEV) ## the whole suite on PostgreSQL and Redis, which it starts and stops
	@scripts/install_livekit_client.sh
	@WORKERS=$(WORKERS) scripts/run_service_tests.sh $(ARGS)

check: $(DEV) ## ruff, mypy, import-linter, templates, migrations, OpenAPI, JavaScript
	@scripts/run_checks.sh

format: $(DEV) ## let ruff sort imports and format
	@$(PY) -m ruff check --select I --fix .
	@$(PY) -m ruff format .

services: $(RUNTIME) ## start PostgreSQL and Redis on 127.0.0.1 and print their addresses
	@$(PY) -m scripts.services start
	@$(PY) -m scripts.services env

services-stop: $(RUNTIME) ## stop what `make services` started
	@$(PY) -m scripts.services stop

services-status: $(RUNTIME) ## tell which services run, and where
	@$(PY) -m scripts.services status

bench: $(BENCH) ## the quick form of every benchmark, on PostgreSQL, Redis and LiveKit where one needs them
	@$(PY) -m scripts.services run -- scripts/run_benchmarks.sh

soak: $(DEV) ## ten minutes of everything at once on PostgreSQL and Redis (SOAK_SECONDS=600)
	@$(PY) -m scripts.services run -- $(PY) -m benchmarks.load_soak --seconds $(SOAK_SECONDS)

lighthouse: $(RUNTIME) ## Lighthouse's scores of the public pages, on a demo of its own
	@$(PY) -m scripts.lighthouse --runs 3

image-rehearsal: $(DEV) ## what Docker would do with Dockerfile and compose.yaml, done without it
	@$(PY) -m scripts.services run -- $(PY) -m scripts.image.rehearse

constraints: $(BENCH) ## write constraints.txt anew from what is installed in .venv
	@scripts/write_constraints.sh
