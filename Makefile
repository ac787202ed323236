# The two commands that matter: `make demo` and `make test`. `make help` lists all.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A context of your own kubeconfig; empty means the embedded cluster.
CONTEXT ?=
# Exported for the demo: a photograph of your own, and images on a cluster of your own.
export PHOTO OPERATOR_IMAGE SCORING_IMAGE
PYTEST := $(BIN)/pytest $(if $(CONTEXT),--kube-context $(CONTEXT))
# Most tests wait for a cluster: the real node's run beside all others.
PARALLEL ?= --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

.PHONY: demo
demo: ## Show the main job on a real Kubernetes on this machine (CONTEXT=name: on yours)
	@$(PYTHON) -m tests.demo up $(if $(CONTEXT),--context $(CONTEXT))

.PHONY: demo-clean
demo-clean: ## Remove what `make demo` made; the caches stay
	@$(PYTHON) -m tests.demo down $(if $(CONTEXT),--context $(CONTEXT))

.PHONY: test
test: lint tools ## Run every check and test, on an embedded Kubernetes (CONTEXT=name: on yours)
	$(PYTEST) $(PARALLEL)

.PHONY: test-long
test-long: lint tools ## Run the whole plans of faults, fuzzing and soak tests in place of samples (hours)
	$(PYTEST) --long --figures --timeout 7200
	$(BIN)/python -m tests.reliability

.PHONY: reliability
reliability: $(READY) ## Write docs/reliability.md from the figures that `pytest --figures` kept
	@$(BIN)/python -m tests.reliability

.PHONY: test-unit
test-unit: $(READY) ## Run the tests that need no cluster
	$(PYTEST) -m "not api and not node"

.PHONY: tools
tools: $(READY) ## Build Kubernetes and get the tools of the tests, where they are not there
	@$(BIN)/python -m tests.cluster build
	@$(BIN)/python -m tests.server.ui.browser

.PHONY: lint
lint: $(READY) ## Run ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Format the code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

.PHONY: crd
crd: $(READY) ## Write the CRD and its reference from the models
	$(BIN)/scoring-operator crd > crds/scoringservices.yaml
	cp crds/scoringservices.yaml charts/scoring-operator/files/scoringservices.yaml
	$(BIN)/scoring-operator reference > docs/reference.md

.PHONY: setup
setup: $(READY) ## Make the virtual environment

$(READY): requirements-dev.txt operator/pyproject.toml scoring_image/pyproject.toml
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "python3 has no venv module; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing the pinned development packages (PyTorch is large: a few minutes) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements-setup.txt
	@$(BIN)/uv pip sync --quiet --require-hashes requirements-dev.txt
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation \
	  --editable operator --editable scoring_image
	@touch $@

UV_LOCK := $(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) --universal --generate-hashes \
  --python-version 3.11 --no-header --no-annotate
.PHONY: lock
lock: $(READY) ## Pin all dependencies, with hashes (UPGRADE=1: the newest versions)
	$(UV_LOCK) requirements-setup.in -o requirements-setup.txt
	$(UV_LOCK) requirements-dev.in requirements-setup.in operator/pyproject.toml \
	  scoring_image/pyproject.toml --all-extras -o requirements-dev.txt
	$(UV_LOCK) operator/pyproject.toml -c requirements-dev.txt -o operator/requirements.txt
	for extra in cpu gpu train export; do \
	  $(UV_LOCK) scoring_image/pyproject.toml --extra $$extra -c requirements-dev.txt \
	    -o scoring_image/requirements-$$extra.txt || exit 1; \
	done
	$(UV_LOCK) benchmarks/requirements-faq.in -c requirements-dev.txt -o benchmarks/requirements-faq.txt
	for peer in bentoml fastapi litserve mlserver; do \
	  $(UV_LOCK) benchmarks/requirements-images-$$peer.in -o benchmarks/requirements-images-$$peer.txt || exit 1; \
	done

.PHONY: benchmark-faq
benchmark-faq: $(READY) ## Measure FAQ matching against its peers (ten minutes, a quiet machine)
	@$(BIN)/uv pip install --quiet --require-hashes -r benchmarks/requirements-faq.txt
	$(BIN)/python -m benchmarks.faq

.PHONY: benchmark-images
benchmark-images: $(READY) ## Measure image serving against its peers (an hour, a quiet machine)
	$(BIN)/python -m benchmarks.images --output benchmarks

.PHONY: benchmark-reconciler
benchmark-reconciler: $(READY) ## Measure the operator beside a bare client (15 minutes, a quiet machine)
	$(BIN)/python -m benchmarks.reconciler --output benchmarks

.PHONY: screenshots
screenshots: $(READY) ## Take the pictures of the pages that docs/ and examples/ show
	@PYTHONPATH=examples/client $(BIN)/python -m tests.server.ui.screenshots

.PHONY: clean
clean: ## Remove the virtual environment and tool caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
