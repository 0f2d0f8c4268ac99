# lab.llm: `make` says what there is to make. Everything it needs is installed below .venv and
# build/ (pinned, hashed); packages of the system come through apt and are named when they are.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
LITELLM := build/venvs/litellm
LOCK := roles/gateway/files/litellm.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Ansible's own files (collections, temporary ones) stay out of the home directory.
export ANSIBLE_HOME := $(CURDIR)/build/ansible
# uv trusts the authorities of this machine, as pip does.
export UV_SYSTEM_CERTS := 1

.PHONY: help demo lab lab-down test test-unit test-lab test-matrix test-nightly molecule lint sanity bench lock clean

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what the targets stand on ---------------------------------------------------------------

$(BIN)/ansible-playbook: requirements/controller.txt
	@tests/tools/say "Python environment for the commands: $(VENV)"
	@tests/tools/python-venv $(VENV) requirements/controller.txt
	@touch $@

$(BIN)/pytest: requirements/dev.txt $(BIN)/ansible-playbook
	@tests/tools/say "tools for the tests: $(VENV)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/controller.txt -r requirements/dev.txt
	@touch $@

$(LITELLM)/bin/litellm: $(LOCK) | $(BIN)/pytest
	@tests/tools/say "the real LiteLLM, from the gateway's own lock file: $(LITELLM)"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LITELLM)
	@$(BIN)/uv pip install --quiet --python $(LITELLM)/bin/python --require-hashes -r $(LOCK)
	@touch $@

# --- the lab and the demo --------------------------------------------------------------------

lab: $(BIN)/ansible-playbook ## start the virtual lab: a gateway and two backends with real systemd
	@tests/lab/lab up

lab-down: ## remove the virtual lab (its caches stay; `tests/lab/lab down --purge` takes them too)
	@tests/lab/lab down

demo: lab ## the main job on the virtual lab: deploy, add a provider, ask, fail over, prove
	@tests/lab/demo

# --- tests -----------------------------------------------------------------------------------

# The lab's hosts wait a lot and sanity never does, so it runs beside them.
test: lint test-unit ## everything that must pass before a commit lands
	@tests/tools/say "ansible-test sanity, beside the lab"
	@nice tests/tools/sanity & sanity=$$!; \
	lab=0; $(MAKE) --no-print-directory test-lab || lab=$$?; \
	wait $$sanity || { tests/tools/say "sanity has failed: see above"; exit 1; }; \
	exit $$lab

test-unit: $(BIN)/pytest $(LITELLM)/bin/litellm ## the core: unit, golden and property tests
	@tests/tools/say "unit, golden and property tests, with the real litellm.Router"
	@LAB_LLM_STRICT=1 $(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder

# A lab that was up before stays up; the test runner's lines are the last ones.
test-lab: $(BIN)/pytest ## the whole on the virtual lab: README, roles, playbooks, secrets
	@tests/lab/lab status >/dev/null 2>&1 && before=up || before=down; \
	tests/lab/lab up; \
	tests/tools/say "tests on the virtual lab"; \
	status=0; LAB_LLM_STRICT=1 $(BIN)/pytest -q -m "not nightly" --durations=10 tests/integration || status=$$?; \
	[[ $$before == up ]] || tests/lab/lab down >/dev/null 2>&1; \
	exit $$status

lint: $(BIN)/pytest ## ruff, mypy, yamllint, ansible-lint (production profile), changelog
	@tests/tools/say "lint"
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/yamllint --strict .
	@$(BIN)/ansible-lint --strict -q
	@$(BIN)/antsibull-changelog lint

sanity: $(BIN)/pytest ## ansible-test sanity, on a real copy of the collection
	@tests/tools/say "ansible-test sanity"
	@tests/tools/sanity

test-matrix: $(BIN)/pytest ## unit tests and check.yml on the other releases of ansible-core
	@tests/tools/matrix

molecule: $(BIN)/pytest ## the roles' Molecule scenarios, on a virtual lab of their own
	@tests/tools/say "Molecule scenarios"
	@$(BIN)/molecule test --all

test-nightly: test test-matrix molecule ## what takes long: all of the lab's tests, many more examples
	@tests/tools/say "what takes long"
	@LAB_LLM_STRICT=1 LAB_LLM_EXAMPLES=2000 $(BIN)/pytest -q tests/property
	@LAB_LLM_STRICT=1 LAB_LLM_DIFFERENTIAL=500 $(BIN)/pytest -q -rP tests/differential
	@LAB_LLM_STRICT=1 $(BIN)/pytest -q -m nightly tests/integration

bench: $(BIN)/pytest ## measure, against floors measured in the same run; writes build/bench.json
	@$(BIN)/python tests/bench/run.py

# --- upkeep ----------------------------------------------------------------------------------

lock: $(BIN)/pytest ## renew the locked requirements from requirements/*.in
	@for name in controller dev litellm; do \
	  out=requirements/$$name.txt; [[ $$name == litellm ]] && out=../$(LOCK); \
	  (cd requirements && uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --custom-compile-command 'make lock' $$name.in -o $${out#requirements/}); \
	done

clean: ## remove what make made here (the virtual lab too; its caches stay)
	@tests/lab/lab down
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
