# make demo | make test | make lint | make bench | make wheel | make deb | make clean
# A fresh machine needs make and Python 3.11 or newer; the rest is installed (Debian packages: .ci/packages).
PYTHON ?= python3
VENV ?= .venv
STAMP := $(VENV)/.provisiond-installed
export VENV
# Where it is set (containers often do), each process of `make test`, `demo` and `bench` compiles all of us again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: venv lint test demo bench wheel deb lock words clean

venv: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/install venv
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --disable-pip-version-check -q --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: lint
	.ci/test $(ARGS)

demo: $(STAMP)
	@.ci/install directory
	@$(VENV)/bin/python -m provisiond.demo $(ARGS)

bench: $(STAMP)
	@.ci/install directory
	$(VENV)/bin/python -m tests.bench $(ARGS)

wheel: $(STAMP)
	$(VENV)/bin/python -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w dist .

deb: $(STAMP)
	@.ci/deb

# Hashes and versions only: which index they come from is each machine's own setting.
lock: $(STAMP)
	$(VENV)/bin/python -m pip install --disable-pip-version-check -q uv
	printf 'hatchling\neditables\n' | $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --extra dev \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml - -o requirements.lock

# Texts of the portal without a translation.
words: $(STAMP)
	@$(VENV)/bin/python .ci/words.py

clean:
	rm -rf .cache .demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(VENV)
	find provisiond tests -name __pycache__ -type d -prune -exec rm -rf {} +
