.DEFAULT_GOAL := help
.PHONY: help run test test-wheel test-platform test-tutor dist quality reference race load storm bench growth screenshots format upgrade clean unfinished

PYTHON ?= python3
PORT ?= 18000
STORM_SECONDS ?= 60
DATA_DIR ?= var
export EDX_PLATFORM_ROOT EDX_PLATFORM_PYTHON
VENV := .venv
BIN := $(VENV)/bin

ifneq ($(filter run,$(MAKECMDGOALS)),)
ifneq ($(words $(DATA_DIR)),1)
$(error DATA_DIR must name one folder, without spaces, but it is "$(DATA_DIR)")
endif
endif

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: export PORT := $(PORT)
run: export LMS_CFG := $(abspath $(DATA_DIR))/lms.yml
run: $(VENV)/base ## Set everything up and run the LMS with its demo accounts (PORT=18000 DATA_DIR=var)
	@$(BIN)/python -m tools.provision
	@exec $(BIN)/gunicorn --config lms/docker_lms_gunicorn.py --access-logfile /dev/null \
		--workers 2 --bind "127.0.0.1:$$PORT" lms.wsgi

test: $(VENV)/testing ## Set everything up and run the tests (ARGS="-k login" for some)
	$(BIN)/pytest $(ARGS)

test-wheel: $(VENV)/testing ## Build the wheel and test it with Django 4.2 and 5.2 (TOXENV=py311-django42 for one)
	$(BIN)/tox run

test-platform: ## Test the wheel on an edx-platform (EDX_PLATFORM_ROOT=../edx-platform EDX_PLATFORM_PYTHON=../venv/bin/python)
	@tools/test_platform.sh --check
	@$(MAKE) --silent $(VENV)/testing
	@tools/test_platform.sh

dist: $(VENV)/development ## Build the sdist and the wheel, in dist/
	rm -rf dist
	$(BIN)/python -m build
	rm -r openedx_single_login.egg-info
	$(BIN)/twine check --strict dist/*

quality: $(VENV)/testing ## Lint, types, import arrows, annotations, migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(foreach source,lms openedx,$(BIN)/code_annotations static_find_annotations --config_file .annotations.yml \
		--source_path $(source) --no_report &&) true
	$(BIN)/python -m tools.settings_reference --check
	$(BIN)/python manage.py lms makemigrations student --check --dry-run --settings=test

reference: $(VENV)/testing ## Write docs/settings.rst from the annotations in the code
	$(BIN)/python -m tools.settings_reference

race: $(VENV)/testing ## Measure simultaneous logins on MariaDB and Redis: exactly one session must survive
	$(BIN)/python -m measure.race $(ARGS)

load: $(VENV)/testing ## Put MariaDB, Redis and gunicorn under load for a minute: nobody may lose a session
	$(BIN)/python -m measure.load $(ARGS)

screenshots: $(VENV)/testing ## Photograph the pages into docs/figures, with the system's Chromium
	@mkdir -p docs/figures
	CI=true SCREENSHOTS=docs/figures $(BIN)/pytest tests/test_browser.py

# The newest two releases.
TUTORS := 21 22

test-tutor: $(VENV)/base ## Test the Tutor plugin with the real Tutor, each release in an environment of its own
	@set -e; for release in $(TUTORS); do \
		test -x $(VENV)/tutor-$$release/bin/tutor || { $(BIN)/python -m venv $(VENV)/tutor-$$release; \
			$(VENV)/tutor-$$release/bin/pip install --quiet --disable-pip-version-check pytest "tutor==$$release.*"; }; \
		$(VENV)/tutor-$$release/bin/tutor --version; \
		$(VENV)/tutor-$$release/bin/pytest -c /dev/null -p no:cacheprovider tests/tutor; done

storm: $(VENV)/benchmarks ## Measure the login storm, and what ends it (STORM_SECONDS=60 for each run)
	$(BIN)/python -m measure.storm --seconds $(STORM_SECONDS) $(ARGS)

bench: $(VENV)/benchmarks ## Measure the cost of the guard (ARGS="--scale 0.2" for a shorter run)
	$(BIN)/python -m measure.bench $(ARGS)

growth: $(VENV)/benchmarks ## Measure a login with up to 1,000,000 accounts (ARGS="--most 10000" for fewer)
	$(BIN)/python -m measure.growth $(ARGS)

format: $(VENV)/testing ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

COMPILE := $(BIN)/pip-compile --quiet --upgrade --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

upgrade: $(VENV)/development ## Compile the pinned requirements anew
	cd requirements/edx && for name in base production testing benchmarks development; do \
		CUSTOM_COMPILE_COMMAND="make upgrade" ../../$(COMPILE) $$name.in --output-file $$name.txt; done

clean: ## Remove the virtual environments and what was built; the data in var/ stays
	rm -rf $(VENV) .tox dist

# The driver for MariaDB has to be compiled: without its headers the tests that need it skip, and say so.
DRIVER = $$(pkg-config --exists mysqlclient 2>/dev/null && echo production)

# What was cut off, or is under way in another make, is for tools/environment.py to see.
UNFINISHED := $(if $(wildcard $(VENV)/ready),,unfinished)

$(VENV)/base: requirements/edx/base.txt $(UNFINISHED)
	@$(PYTHON) -m tools.environment base

$(VENV)/testing $(VENV)/benchmarks $(VENV)/development: $(VENV)/%: requirements/edx/%.txt requirements/edx/production.txt $(UNFINISHED)
	@$(PYTHON) -m tools.environment $* $(DRIVER)
