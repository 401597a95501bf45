# `make quickstart` and `make test` need Python 3.11 or later and a package registry, nothing else.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
export TF_CPP_MIN_LOG_LEVEL := 2
# Two processes run the tests. Compilers take most of the time, and a compiler runs on one core;
# PyTorch and NumPy use one core as well (OMP_NUM_THREADS), or the two processes wait for each other.
# XLA compiles quickly rather than well, because most programs run only a few times: it does not
# optimize, and it takes its older generator for fused operations, which needs a third of the time.
# Each process begins with its half of the tests; the one that ends first takes over some of the rest.
QUICK_XLA := --xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false
PYTEST := OMP_NUM_THREADS=1 XLA_FLAGS="$(QUICK_XLA)" $(RUN) -m pytest -q -n 2 --dist worksteal

# What XLA compiled for JAX is kept here and used by the next `make test` (tests/conftest.py). The
# programs are machine code, so each kind of processor has a folder. `make clean` removes them.
PROCESSOR := $(shell grep -m 1 flags /proc/cpuinfo 2>/dev/null | cksum | cut -d " " -f 1)
COMPILED := $(CURDIR)/$(VENV)/jax-compiled/$(PROCESSOR)

.PHONY: quickstart test test-fast test-slow lint docs tables clean

quickstart: $(VENV)/installed
	KERAS_BACKEND=tensorflow $(RUN) recipes/digits.py --overwrite

# TensorFlow runs the suite, but for what is at home on PyTorch; PyTorch runs that. What depends on
# the backend runs on all three.
test: $(VENV)/installed-dev
	KERAS_BACKEND=tensorflow $(PYTEST) -m "not slow and not on_torch"
	KEEP_COMPILED_FOR_JAX=$(COMPILED) KERAS_BACKEND=jax $(PYTEST) -m "backends and not slow"
	KERAS_BACKEND=torch $(PYTEST) -m "(backends or on_torch) and not slow"

# Minutes less: one backend, and no test that trains for long.
test-fast: $(VENV)/installed-dev
	KERAS_BACKEND=torch $(PYTEST) -m "not slow and not medium"

# Each takes minutes: 50 kills, large models, the whole recipe of the digits. PART=0/3 runs a third.
# JAX's newer generator of fused operations is what the last command needs.
test-slow: $(VENV)/installed-dev
	KERAS_BACKEND=tensorflow $(PYTEST) -m slow $(if $(PART),--part $(PART))
	KERAS_BACKEND=jax $(PYTEST) -m slow tests/runs/test_kills.py -k "few or sigterm"
	KERAS_BACKEND=jax XLA_FLAGS=--xla_backend_optimization_level=0 $(RUN) -m pytest -q \
		tests/runs/test_checkpoint.py -k by_the_group

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

# The pages and the reference, in build/site. A broken link or reference ends the build.
docs: $(VENV)/installed-docs
	$(RUN) -m mkdocs build --strict

# Writes the tables of README.md and docs/ anew from results/.
tables: $(VENV)/installed
	$(RUN) -m tools.results_table

clean:
	rm -rf $(VENV)

# Each stamp is set when everything is in, so that a broken install is taken up again.
$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Try make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/created
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-peers.txt $(VENV)/installed
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-peers.txt
	touch $@

$(VENV)/installed-docs: pyproject.toml $(VENV)/installed
	$(RUN) -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@
