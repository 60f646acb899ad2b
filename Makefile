# On a fresh machine `make run` and `make test` do everything: the first of them also sets .venv up, once.
#
#   make run      the quickstart: records of people -> an imitator -> past its teachers; resumes if it was interrupted
#   make test     the tests                      make test ARGS="-x tests/games"   some of them
#   make check    linter, formatter, types, import layers
#   make bench    every benchmark, as in benchmarks/README.md
#   make setup    only the set-up                make clean    removes what was built, keeps runs/ and data/
#
# Variables: PYTHON (3.11 or newer), VENV (default .venv), ARGS (for pytest), PIPELINE and NAME (for run), and
# TORCH_INDEX. On Linux PyPI's torch brings gigabytes of CUDA libraries; without a GPU this is the smaller one:
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
PIPELINE ?= configs/quickstart.toml
NAME ?= $(basename $(notdir $(PIPELINE)))
TORCH_INDEX ?=
ARGS ?=
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: run test check bench setup clean
.DEFAULT_GOAL := run

setup: $(INSTALLED)

# torch is a step of its own: with an index of its own, and so that the rest cannot choose another build of it.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "gameil needs Python 3.11 or newer; name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) (once; some minutes)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt torch \
		$(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --editable '.[games,web,test]'
	@touch $(INSTALLED)

# --resume starts what is not there, goes on with what was interrupted, and says so where all is finished.
run: $(INSTALLED)
	$(BIN)/gameil run $(PIPELINE) --name $(NAME) --resume
	@echo "(runs/$(NAME) is complete: for a new one, make run NAME=another or remove that directory)"

test: $(INSTALLED)
	$(BIN)/python -m pytest -q $(ARGS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)
	@set -e; for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(BIN)/python $$script; done

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
