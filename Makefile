.DEFAULT_GOAL := help
.PHONY: help run test test-wheel test-platform test-tutor dist quality reference storm race load cost graders screenshots format upgrade clean

PYTHON ?= python3
PORT ?= 18000
DATA_DIR ?= var
VENV := .venv
BIN := $(VENV)/bin
export LMS_CFG := $(abspath $(DATA_DIR))/lms.yml

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/base ## Set everything up and run the LMS with its demo accounts (PORT=18000)
	@$(BIN)/python -m tools.provision $(PORT)
	@exec $(BIN)/gunicorn --config lms/docker_lms_gunicorn.py --access-logfile /dev/null \
		--workers 2 --bind 127.0.0.1:$(PORT) lms.wsgi

test: $(VENV)/testing ## Set everything up and run the tests (ARGS="-k login" for some)
	$(BIN)/pytest $(ARGS)

test-wheel: $(VENV)/testing ## Build the wheel and test it with Django 4.2 and 5.2 (TOXENV=py311-django42 for one)
	$(BIN)/tox run

test-platform: $(VENV)/testing ## Test the wheel on a real edx-platform; say what that needs
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

# On a production LMS of their own; each works on a site of yours, too: .venv/bin/python -m measure storm --help
storm: $(VENV)/development ## Measure the login storm, and what ends it
	$(BIN)/python -m measure storm --docs --graders 20 5 50 100 $(ARGS)

race: $(VENV)/testing ## Measure logins that meet: exactly one session must survive
	$(BIN)/python -m measure race --docs $(ARGS)

load: $(VENV)/testing ## Put a hundred graders and a hundred learners at the LMS: nobody may lose a session
	$(BIN)/python -m measure load --docs $(ARGS)

cost: $(VENV)/testing ## Measure what a login and a signed-in request cost under the protection
	$(BIN)/python -m measure cost --docs $(ARGS)

graders: $(VENV)/testing ## Let twenty graders work on the LMS of "make run" (PORT=18000)
	@MEASURE_PASSWORD=edx $(BIN)/python -m measure storm --url http://127.0.0.1:$(PORT) --label "make run" $(ARGS)

screenshots: $(VENV)/testing ## Photograph the pages into docs/figures, with the system's Chromium
	@mkdir -p docs/figures
	CI=true SCREENSHOTS=docs/figures $(BIN)/pytest tests/test_browser.py

# The newest two releases.
TUTORS := 21 22

test-tutor: $(VENV)/bin/python ## Test the Tutor plugin with the real Tutor, each release in an environment of its own
	@set -e; for release in $(TUTORS); do \
		test -x $(VENV)/tutor-$$release/bin/tutor || { $(BIN)/python -m venv $(VENV)/tutor-$$release; \
			$(VENV)/tutor-$$release/bin/pip install --quiet --disable-pip-version-check pytest "tutor==$$release.*"; }; \
		$(VENV)/tutor-$$release/bin/tutor --version; \
		$(VENV)/tutor-$$release/bin/pytest -c /dev/null -p no:cacheprovider tests/tutor; done

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

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/base: requirements/edx/base.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# The driver for MariaDB has to be compiled: without its headers the tests that need it skip, and say so.
$(VENV)/testing: requirements/edx/testing.txt requirements/edx/production.txt $(VENV)/base
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@if pkg-config --exists libmariadb mysqlclient 2>/dev/null || pkg-config --exists mysqlclient 2>/dev/null; then \
		$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/edx/production.txt; fi
	@touch $@

$(VENV)/benchmarks: requirements/edx/benchmarks.txt $(VENV)/testing
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/development: requirements/edx/development.txt $(VENV)/testing
	$(BIN)/pip install --quiet --disable-pip-version-check -r $<
	@touch $@
