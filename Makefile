# Two commands: `make up` and `make test`. The rest is for development.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: up test lint bench bench-gateway bench-knowledge chaos proto clean

up: $(STAMP)  ## install, start everything, serve until Ctrl-C
	$(BIN)/kefu up $(ARGS)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

test: $(STAMP)  ## install, run all tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)  ## style, types, who may import whom, generated code is current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## every figure of the README, printed as a table
	$(BIN)/python -m bench $(ARGS)

bench-gateway: $(STAMP)  ## what the gateway adds to calling a model directly, beside a LiteLLM proxy
	$(BIN)/python -m bench.gateway $(ARGS)

bench-knowledge: $(STAMP)  ## how good the answers are, how fast the encoders and the vector index
	$(BIN)/python -m bench.knowledge $(ARGS)

chaos: $(STAMP)  ## the crash tests, 200 runs a point
	KEFU_CHAOS_RUNS=200 $(BIN)/python -m pytest tests/e2e -m chaos $(ARGS)

proto: $(STAMP)  ## generate schemas/*_pb2.py from the .proto files
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. schemas/*.proto

clean:
	rm -rf .kefu $(VENV)
