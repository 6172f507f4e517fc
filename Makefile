# Everything runs in .venv, which the first target that needs it makes.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# What tests/support/programs.sh could not install stands at the end of PATH.
WITH_PROGRAMS := PATH="$$PATH:$$HOME/.local/lib/git-orch-tests/usr/bin"

PAGES := $(patsubst %.scd,%.1,$(filter-out man/git-orch-log.scd man/git-orch-log.1.scd,$(wildcard man/*.scd))) \
	man/git-orch-log.1 man/git-orch-log.5

# The date in the pages: pages made from the same sources are the same bytes on every day.
export SOURCE_DATE_EPOCH := 1795219200

.PHONY: help demo test test-spec test-oldest test-templates test-agents test-report programs lint bench soak man completion picture clean

help:
	@echo 'make demo    plan, execute and roll back in a scratch repository'
	@echo 'make test    lint, then all tests'
	@echo 'make test-spec SPEC=2.1  the tests of one section of the specification'
	@echo 'make test-oldest  the tests of what libraries do, with the oldest releases that pyproject.toml allows'
	@echo 'make test-templates  run every built-in template to its end; needs packages of npm'
	@echo 'make test-agents  let real agent programs do a plan; needs packages of npm'
	@echo 'make test-report  look at the page of git orch report in headless Chromium'
	@echo 'make lint    ruff, mypy and import-linter'
	@echo 'make bench   measure, side by side with git'
	@echo 'make soak    the long form of the tests'
	@echo 'make man     make the man pages again from man/*.scd (needs scdoc)'
	@echo 'make completion  write the commands and options into the completions again'
	@echo 'make picture  run the commands of picture.svg again, and draw it (needs tmux)'
	@echo 'make clean   remove what the other targets made'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'git-orch needs Python 3.11 or newer with venv: sudo apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" sh tests/support/demo.sh

# The whole road of every built-in template; that of react-app needs packages of npm's registry.
test-templates: $(STAMP) programs
	PATH="$(CURDIR)/$(BIN):$$PATH:$$HOME/.local/lib/git-orch-tests/usr/bin" sh tests/support/templates.sh

# Real agent programs, from npm's registry, against a scripted provider.
test-agents: $(STAMP) programs
	PATH="$(CURDIR)/$(BIN):$$PATH:$$HOME/.local/lib/git-orch-tests/usr/bin" sh tests/support/agents.sh

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Nothing waits for ever: each test has its limit (pyproject.toml), and so has all of it.
test: programs lint
	$(WITH_PROGRAMS) timeout --foreground --kill-after=30 2400 $(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder \
		$(if $(GIT_ORCH_TEST_GIT),tests/e2e)

test-spec: $(STAMP)
	@test -n "$(SPEC)" || { echo 'name a section: make test-spec SPEC=2.1 (tests/support/specs.py has them)' >&2; exit 2; }
	$(BIN)/pytest --spec $(SPEC)

# make test has the newest ones.
test-oldest: programs
	test -e .venv-oldest || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/pip install --quiet --disable-pip-version-check uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct -e '.[dev]'
	$(WITH_PROGRAMS) timeout --foreground --kill-after=30 1200 .venv-oldest/bin/pytest -n 3 --dist loadscope --no-loadscope-reorder \
		tests/unit tests/e2e/test_road.py tests/e2e/test_planning.py tests/e2e/test_agent_steps.py \
		tests/e2e/test_edit.py tests/e2e/test_costs.py tests/e2e/test_commands.py

programs:
	@PYTHON="$(PYTHON)" sh tests/support/programs.sh

bench: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks

soak: $(STAMP)
	GIT_ORCH_SOAK=1 HYPOTHESIS_PROFILE=soak $(BIN)/pytest --timeout 14400 -n 3 --dist loadscope --no-loadscope-reorder

man: $(PAGES)

man/%.1: man/%.scd
	scdoc < $< > $@

# Two pages have the same name: the command and, in section 5, the format.
man/git-orch-log.1: man/git-orch-log.1.scd
	scdoc < $< > $@

man/git-orch-log.5: man/git-orch-log.scd
	scdoc < $< > $@

completion: $(STAMP)
	$(BIN)/python tests/support/completions.py

# Chromium takes longer to install than CI has for one test.
test-report: $(STAMP)
	$(BIN)/python tests/support/report_in_browser.py

picture: $(STAMP)
	$(BIN)/python tests/support/picture.py

clean:
	rm -rf .venv .venv-oldest dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis
