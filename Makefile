# The commands of this project; `make` alone lists them. Each makes `.venv` first where it is needed.

FUZZ_FLAGS ?= --max-time 60s
TEST_FLAGS ?= -n auto
LOCK_FLAGS ?=
export PYTHON

bin := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help fuzz test lint format setup clients lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

fuzz: setup ## the main job, about a minute (FUZZ_FLAGS='--max-time 10m --seed 7')
	$(bin)/pel fuzz $(FUZZ_FLAGS)

test: setup ## every test (TEST_FLAGS='-n 0 tests/spec')
	$(bin)/pytest $(TEST_FLAGS)

lint: setup ## style and types: ruff, mypy --strict
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/mypy tools tests/test_house.py tests/test_house_setup.py

format: setup ## put the code into the house's format
	$(bin)/ruff check --fix-only .
	$(bin)/ruff format .

setup: ## make .venv, if it is not up to date (PYTHON=python3.12 chooses the Python)
	@sh tools/setup.sh

clients: ## real clients for the tests, where Go and Node.js are found (geth's evm, EthereumJS)
	@sh tools/clients.sh

lock: ## pin the dependencies again (LOCK_FLAGS='--upgrade')
	sh tools/lock.sh $(LOCK_FLAGS)

clean: ## take away .venv, caches and builds; findings stay
	rm -rf .venv .clients build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
