# Two commands do everything on a fresh machine: `make bench` and `make test`. Needs Python 3.11 or newer.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
# A plain `pip install torch` pulls several GB of CUDA packages on Linux. To use another build, set TORCH:
#   make bench TORCH="torch==2.13.0 --index-url <the index of that build>"
TORCH ?= torch==2.13.0
STAMP := $(VENV)/.installed

.PHONY: bench test test-slow test-parity lint docs benchmarks clean

bench: $(STAMP)
	$(BIN)/graphkit bench suite quick --jobs 2 --out runs/quick

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadscope

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m "slow" -p no:xdist

# Against the reference evaluators themselves; `make test` uses their recorded answers.
test-parity: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable ".[dev,parity]"
	$(BIN)/python -m pytest -q tests/evaluation/test_ogb_parity.py tests/evaluation/test_temporal_parity.py \
	    tests/data/negatives/test_against_tgb.py

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

# The site, in site/. `python docs/figures.py RUNS` draws its figures anew, from runs.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable ".[dev,docs]"
	$(BIN)/python docs/protocol_pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Speed beside peers; the peers of some rows are optional (benchmarks/README.md). For an idle machine; about half an hour.
benchmarks: $(STAMP)
	$(BIN)/python -m benchmarks --save

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip freeze | grep '^torch==' > $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --constraint $(VENV)/constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) runs build dist
