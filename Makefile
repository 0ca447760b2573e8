.DEFAULT_GOAL := help
.PHONY: help run test test-wheel test-platform test-tutor coverage mutants dist quality docs-check storm race \
	load cost names graders screenshots format upgrade clean

PYTHON ?= python3
PORT ?= 18000
DATA_DIR ?= var
export EDX_PLATFORM_ROOT EDX_PLATFORM_PYTHON
VENV := .venv
BIN := $(VENV)/bin
ifdef COVERAGE
# Every process that is started with these measures itself.
export COVERAGE_PROCESS_START := $(CURDIR)/pyproject.toml
export COVERAGE_FILE := $(CURDIR)/.coverage
endif

ifneq ($(filter run graders,$(MAKECMDGOALS)),)
ifneq ($(words $(DATA_DIR)),1)
$(error DATA_DIR must name one folder, without spaces, but it is "$(DATA_DIR)")
endif
endif

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run graders: export PORT := $(PORT)
run graders: export LMS_CFG := $(abspath $(DATA_DIR))/lms.yml
run: $(VENV)/base ## Set everything up and run the LMS with its demo accounts (PORT=18000 DATA_DIR=var)
	@$(BIN)/python -m tools.provision
	@exec $(BIN)/gunicorn --config lms/docker_lms_gunicorn.py --access-logfile /dev/null \
		--workers 2 --bind "127.0.0.1:$$PORT" lms.wsgi

test: $(VENV)/testing ## Set everything up and run the tests in parallel (ARGS="-n 0 -k login": some, in one process)
	$(BIN)/pytest -n logical --dist loadfile $(ARGS)

# A missing Python is an error in CI. Elsewhere its environments are skipped.
test-wheel: $(VENV)/testing ## Build the wheel and test it on each Python and Django there is (TOXENV=py311-django42 for one)
	$(BIN)/tox run-parallel --parallel-no-spinner --skip-missing-interpreters $(if $(CI),false,true)

coverage: ## Report code that no test reaches. First run the tests: make test test-wheel coverage COVERAGE=1
	@ls .coverage.* >/dev/null 2>&1 || { \
		echo "No test has been measured. Run the tests first: make test test-wheel coverage COVERAGE=1" >&2; exit 1; }
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutants: $(VENV)/development ## Change the product line by line, and list the changes that no test notices (ARGS="*exemptions*")
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

test-platform: ## Test the wheel on an edx-platform (EDX_PLATFORM_ROOT=../edx-platform EDX_PLATFORM_PYTHON=../venv/bin/python)
	@tools/test_platform.sh --check
	@$(MAKE) --silent $(VENV)/testing
	@tools/test_platform.sh

dist: $(VENV)/testing ## Build the sdist and the wheel, in dist/
	rm -rf dist
	$(BIN)/python -m build
	rm -r openedx_single_login.egg-info
	$(BIN)/twine check --strict dist/*

quality: $(VENV)/testing docs-check ## Check style, types, imports, annotations, migrations and documents
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run .ci/services tools/*.sh
	$(foreach source,lms openedx,$(BIN)/code_annotations static_find_annotations --config_file .annotations.yml \
		--source_path $(source) --no_report &&) true
	$(BIN)/python manage.py lms makemigrations student --check --dry-run --settings=test

DOCUMENTS = $(shell find . -name '*.rst' -not -path './.*' -not -path './mutants/*')

docs-check: $(VENV)/testing ## Check every document, and every relative link in one
	$(BIN)/rstcheck $(DOCUMENTS)
	$(BIN)/python -m tools.check_links $(DOCUMENTS)

# Each starts a production LMS. To measure a site instead: .venv/bin/python -m measure storm --help
storm: $(VENV)/development ## Measure the login storm, with the exemption and without
	$(BIN)/python -m measure storm $(or $(ARGS),--docs --graders 20 5 50)

race: $(VENV)/testing ## Measure simultaneous logins: which sessions are accepted afterwards, and which one is on record
	$(BIN)/python -m measure race $(or $(ARGS),--rounds 1 --docs)

load: $(VENV)/testing ## Measure a hundred graders and a hundred learners at once: no session may end that should stay
	$(BIN)/python -m measure load $(or $(ARGS),--docs)

cost: $(VENV)/testing ## Measure the cost of a login and of a signed-in request
	$(BIN)/python -m measure cost $(or $(ARGS),--docs)
	$(BIN)/python -m measure statements $(if $(ARGS),,--docs)

names: $(VENV)/testing ## Measure the system checks, the command and the page with very many exempt names
	$(BIN)/python -m measure names $(or $(ARGS),--docs)

graders: $(VENV)/measuring ## Let twenty graders work on the LMS of "make run" (PORT=18000 DATA_DIR=var)
	@$(BIN)/python -m tools.fill_queue
	@MEASURE_PASSWORD=edx $(BIN)/python -m measure storm --url http://127.0.0.1:$(PORT) --label "make run" $(ARGS)

screenshots: $(VENV)/testing ## Store pictures of the pages in docs/figures, with the system's Chromium
	@mkdir -p docs/figures
	CI=true SCREENSHOTS=docs/figures $(BIN)/pytest tests/test_browser.py

# The newest two releases.
TUTORS := 21 22

test-tutor: $(VENV)/base ## Test the Tutor plugin with the newest two releases of Tutor
	@set -e; for release in $(TUTORS); do \
		test -x $(VENV)/tutor-$$release/bin/tutor || { $(BIN)/python -m venv $(VENV)/tutor-$$release; \
			$(VENV)/tutor-$$release/bin/pip install --quiet --disable-pip-version-check pytest "tutor==$$release.*"; }; \
		$(VENV)/tutor-$$release/bin/tutor --version; \
		$(VENV)/tutor-$$release/bin/pytest -c /dev/null -p no:cacheprovider tests/tutor; done

format: $(VENV)/testing ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

COMPILE := CUSTOM_COMPILE_COMMAND="make upgrade" $(abspath $(BIN))/pip-compile --quiet --upgrade --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

upgrade: $(VENV)/development ## Compile the pinned requirements again
	cd requirements/edx && for name in base production measuring testing development; do \
		$(COMPILE) $$name.in --output-file $$name.txt; done

clean: ## Remove the virtual environments and built files. The data in var/ stay
	rm -rf $(VENV) .tox dist mutants .coverage*

PIP := $(BIN)/pip install --disable-pip-version-check
NEEDED := $(PYTHON) must be Python 3.11 or newer, with venv (on Debian: apt install python3-venv)
# The driver for MariaDB is compiled. Where its headers are missing, the tests that need it are skipped and say so.
HAS_HEADERS := { for name in mysqlclient mariadb libmariadb; do pkg-config --exists $$name && break; done; } 2>/dev/null

# Each stamp is touched last, so the next make repeats an interrupted install. The base starts with an empty folder.
# Ctrl-C waits for venv, which would end with a traceback.
$(VENV)/base: requirements/edx/base.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(NEEDED). To use another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Creating $(VENV)"
	@trap "" INT; $(PYTHON) -m venv --clear $(VENV)
	$(PIP) -r $<
	@touch $@

$(VENV)/measuring: requirements/edx/measuring.txt $(VENV)/base
	$(PIP) -r $<
	@touch $@

$(VENV)/testing: requirements/edx/testing.txt requirements/edx/production.txt $(VENV)/measuring
	$(PIP) -r $<
	@if $(HAS_HEADERS); then $(PIP) -r requirements/edx/production.txt; fi
	@touch $@

$(VENV)/development: requirements/edx/development.txt $(VENV)/testing
	$(PIP) -r $<
	@touch $@
