# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
# Everything goes into .venv and build; what the system lacks is asked for by name (or installed, as root on Debian).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test unit faults chaos images pictures lint format bench clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## the main job on the embedded default; SERVE=1 keeps it running
	@$(BIN)/headquarters demo $(if $(SERVE),--serve) $(ARGS)

test: $(VENV)/.dev build/installed ## every test but the long ones, against the real broker, database, Prometheus
	@$(BIN)/pytest $(ARGS)

unit: $(VENV)/.dev ## only what needs no server
	@$(BIN)/pytest tests/unit tests/schemas $(ARGS)

faults: $(VENV)/.dev build/installed ## every fault, also the long ones; writes the table of docs/faults.md
	@$(BIN)/python -m tests.faults $(if $(ARGS),-- $(ARGS))

chaos: $(VENV)/.dev build/installed ## faults of chance against a running system: SEED=... MINUTES=...
	@$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),5) $(ARGS)

images: $(VENV)/.dev build/installed ## build the images and run them, and what compose runs, to the first alert
	@docker/images/install.sh
	@$(BIN)/pytest -m long tests/system/test_images.py tests/system/test_compose.py $(ARGS)

pictures: $(VENV)/.dev build/installed ## draw docs/img from a recorded run, by the dashboards' own expressions
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group pictures
	@$(BIN)/python -m tests.pictures $(ARGS)

lint: $(VENV)/.dev ## formatting, style, types, import rules, the contract's own lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m muster_contract.lint

format: $(VENV)/.dev ## put the code in its usual form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.dev build/installed ## rates and ratios, side by side in one run
	@$(BIN)/python -m tests.bench $(ARGS)

clean: ## forget everything that was installed or built here
	@rm -rf $(VENV) build dist

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "missing: Python 3.11 or later; say which with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "missing: the venv module (Debian: apt-get install python3-venv)" >&2; rm -rf $(VENV); exit 2; }
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing Muster into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing what its tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . --group dev
	@touch $@

# What tests need of the system, each part by a script that does nothing when it is there; images have their own.
PARTS := $(filter-out docker/images/install.sh,$(wildcard docker/*/install.sh))
build/installed: $(PARTS) build/kafka/classpath.txt
	@for script in $(PARTS); do $$script || exit 2; done
	@touch $@

build/kafka/classpath.txt: docker/kafka/pom.xml
	@docker/kafka/install.sh
	@mkdir -p build/kafka
	@echo "fetching Apache Kafka for the tests ..."
	@mvn --quiet --batch-mode --file docker/kafka/pom.xml dependency:build-classpath \
	  -Dmdep.outputFile=$(CURDIR)/build/kafka/classpath.txt
