# Two commands do everything on a fresh machine: `make demo` and `make test`. Both need Python >= 3.11 only.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKSPACE ?= .
LOCAL := -e . -e sdk -e plugins/vlmbench-documents -e plugins/vlmbench-echo -e plugins/vlmbench-exchange -e plugins/vlmbench-metrics -e plugins/vlmbench-ocr -e plugins/vlmbench-openai -e plugins/vlmbench-structure
# Optional for users, tested by everybody who develops.
EXTRAS := -e plugins/vlmbench-bedrock -e plugins/vlmbench-runpod -e plugins/vlmbench-transformers -e plugins/vlmbench-vllm

.PHONY: setup demo test ui lint types docs requirements clean

setup: $(VENV)/.installed

demo: setup
	@test -d demo-workspace/registries || $(BIN)/vlmbench init demo-workspace
	@$(BIN)/vlmbench run --workspace demo-workspace --benchmark demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

ui: setup
	$(BIN)/vlmbench ui --workspace $(WORKSPACE)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py --check

# The lock file names the package index, so it stays out of the repository; what is exported names none.
requirements: setup
	$(BIN)/uv lock
	$(BIN)/uv export --quiet --frozen --no-emit-workspace --no-dev --output-file requirements.txt
	$(BIN)/uv export --quiet --frozen --no-emit-workspace --only-group dev --output-file requirements-dev.txt
	$(BIN)/uv export --quiet --frozen --no-emit-workspace --only-group bootstrap --output-file requirements-uv.txt

clean:
	rm -rf $(VENV) demo-workspace

$(VENV)/bin/uv: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vlmbench needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.txt
	@touch $@

# Compiled now: where Python may not write bytecode, each of the suite's some hundred commands would compile 2,500 modules.
$(VENV)/.installed: $(VENV)/bin/uv requirements.txt pyproject.toml sdk/pyproject.toml $(wildcard plugins/*/pyproject.toml)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps $(LOCAL)
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements-dev.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps $(EXTRAS)
	@touch $@
