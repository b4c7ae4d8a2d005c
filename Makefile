# Each target but `lock` sets up .venv first, once. `make reproduce`: from the download to REPORT.md.
PYTHON ?= python3

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
export PATH := $(CURDIR)/$(BIN);$(PATH)
else
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
endif

# Whatever pip's settings say, in files or by PIP_TARGET and the like.
INTO_VENV := --no-user --target= --root=/ --prefix="$(CURDIR)/.venv"

.PHONY: reproduce current quick study screenshot test lint bench lock venv install

reproduce: venv
	python -m replicate.parameters
	python -m dvc repro

# Which results are not those of the present code, parameters and files.
current: venv
	python -m dvc repro --quiet code
	python -m dvc status

# The whole pipeline at toy length, in a temporary copy.
quick: venv
	python -m replicate.base.quick

# A file of tests at a time on each core: most of their time is spent in one thread.
test: venv
	OMP_NUM_THREADS=1 python -m pytest -n auto --dist loadfile --no-loadscope-reorder

# Style and common mistakes; `ruff format .` mends the style.
lint: venv
	python -m ruff check .
	python -m ruff format --check .

# How close a training step is to the fastest that this machine could do.
bench: venv
	python -m benchmarks.step

# A picture of the explorer, for README.md; needs Chromium.
screenshot: venv
	python -m replicate.page.screenshot

# Runs of variants.yaml that the studies lack: make study NAME=k5,k20 JOBS=2, or SCHEDULER=tcp://host:8786 for a Dask cluster.
comma := ,
study: venv
	python -m replicate.studies.make $(subst $(comma), ,$(NAME)) $(if $(JOBS),--jobs $(JOBS)) $(if $(THREADS),--threads $(THREADS)) $(if $(SCHEDULER),--scheduler $(SCHEDULER))

# What is installed is what requirements.txt lists, whatever the times of files say.
venv:
	@cmp -s requirements.txt .venv/installed || $(MAKE) install
	@$(BIN)/python -c "" || { echo "error: .venv has lost its Python: make install" >&2; exit 1; }
ifneq ($(origin PYTHON),file)
	@test "$$("$(PYTHON)" -V)" = "$$($(BIN)/python -V)" || \
	{ echo "error: .venv has $$($(BIN)/python -V), and $(PYTHON) is another: make PYTHON='$(PYTHON)' install" >&2; exit 1; }
endif

# The copy is made last, so that an install that was cut short is made anew.
install:
	@test ! -L .venv || { echo "error: .venv is a symbolic link, and what is behind it would be removed; remove the link" >&2; exit 1; }
	"$(PYTHON)" -c "import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or later is needed, and $(PYTHON) is ' + v + '. Name another: make PYTHON=python3.12')"
	"$(PYTHON)" -m venv --clear .venv
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes $(INTO_VENV) -r requirements.txt
	cp requirements.txt .venv/installed

# requirements.txt from pyproject.toml; needs uv.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
