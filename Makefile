# Everything from a fresh clone: needs make and Python 3.11 to 3.13, sets up the rest in .venv. `make help` lists the commands.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
BENCHMARKS := $(filter-out __init__ common,$(basename $(notdir $(wildcard benchmarks/*.py))))
ONE_THREAD := CUDA_VISIBLE_DEVICES= $(patsubst %,%_NUM_THREADS=1,OMP OPENBLAS MKL NUMBA) TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
  XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
PYTEST := $(BIN)/pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile
CELL_TIMEOUT_S := $(shell sed -n 's/^ *timeout: *\([0-9]*\).*/\1/p' _config.yml)

# Quiet libraries, in one place for tests, book and JupyterLab; a value from outside wins.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_FORCE_GPU_ALLOW_GROWTH ?= true

.DEFAULT_GOAL := help
.PHONY: help book readme test site-test lab serve bench clean lock

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: $(READY) ## execute the notebooks and render the site to _build/html
	rm -rf _build/html
	$(BIN)/jupyter-book build . --toc book/_toc.yml -n -W --keep-going

readme: $(READY) ## write what the run records give into the README
	$(BIN)/python book/_ext/readme.py

test: $(READY) ## check the code style, run the tests, run every notebook (always with the profile smoke)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	MUSICGENRE_PROFILE=smoke $(PYTEST) tests --ignore=tests/test_site.py
	MUSICGENRE_PROFILE=smoke $(PYTEST) --nbmake --nbmake-timeout=$(CELL_TIMEOUT_S) notebooks

site-test: $(READY) ## test the rendered site (after `make book`; needs Chromium)
	$(BIN)/pytest tests/test_site.py

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks

serve: $(READY) ## show the rendered site at http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

bench: $(READY) ## run the benchmarks one after the other, on one thread a process
	for name in $(BENCHMARKS); do $(ONE_THREAD) $(BIN)/python -m benchmarks.$$name || exit 1; done

clean: ## remove everything that was built, but for .venv
	rm -rf _build build dist .pytest_cache .ruff_cache .hypothesis

lock: $(READY) ## resolve the newest versions into requirements.lock
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --extra test --no-annotate --no-header pyproject.toml -o requirements.lock

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))' 2>/dev/null \
	  || { echo "Python 3.11.4 or later, up to 3.13, is needed, but \"$(PYTHON)\" is not one; choose it with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@
