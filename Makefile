# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up their own environment in .venv.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready

.PHONY: help demo test check system soak clean

help:
	@echo "make demo    a whole store on this machine, live, for a minute (simulated hardware, real wires)"
	@echo "make test    every test; installs what it needs"
	@echo "make check   style, types and import rules"
	@echo "make system  Debian packages that the tests use (mosquitto, chromium, tshark, postgresql)"

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[demo,plots,postgres]' --group test --group check
	@touch $(STAMP)

demo: $(STAMP)
	$(VENV)/bin/rfidguard demo

test: $(STAMP) system
	$(PY) -m pytest -n 4 $(PYTEST)

check: $(STAMP)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

system:
	@sh tests/system-packages.sh

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
