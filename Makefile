# Two commands do everything on a fresh machine: `make demo` and `make test`. Both set up their own environment in .venv.
PYTHON ?= python3.11
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check
APP := $(VENV)/.app
TOOLS := $(VENV)/.tools
SEEDS ?= 1 2 3
FUZZ_S ?= 600

.PHONY: help demo test check audit fuzz system soak loss-table weights wheel deb deb-try clean

help:
	@echo "make demo    a whole store on this machine, live, for a minute (simulated hardware, real wires)"
	@echo "make test    every test; installs what it needs"
	@echo "make check   style, types and import rules"
	@echo "make audit   known vulnerabilities of everything installed (asks PyPI's advisories; passes with a word where it cannot)"
	@echo "make fuzz    everything that takes bytes from outside, guided by coverage and by properties (hours; FUZZ_S=N a target)"
	@echo "make soak    every fault of tests/faults and 1,000 random ones (hours; SOAK_FAULTS=N for another number)"
	@echo "make loss-table  random faults, written to docs/reliability.md beside plain paho under the same ones (an hour)"
	@echo "make weights   learns the tables in rfidguard/weights anew from simulated passages (an hour and a half)"
	@echo "make wheel   the wheel in dist/, tried with pip, pipx and uv"
	@echo "make deb     the Debian package in dist/ (make deb-try installs it in a clean Debian; as root, with debootstrap)"
	@echo "make bench-NAME  one of the figures of benchmarks/README.md, e.g. bench-decode (wants a quiet machine)"
	@echo "make system  Debian packages that the tests use (mosquitto, chromium, tshark, postgresql, nats-server)"

$(APP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	$(PIP) -e '.[demo]'
	@touch $(APP)

$(TOOLS): $(APP)
	$(PIP) -e '.[demo,learn,nats,plots,postgres]' --group test --group check
	@touch $(TOOLS)

demo: $(APP)
	$(VENV)/bin/rfidguard demo

test: $(TOOLS) system
	$(PY) -m pytest -n 4 $(PYTEST)

soak: $(TOOLS) system
	SOAK=1 $(PY) -m pytest -n 2 --timeout 0 tests/faults $(PYTEST)

loss-table: $(TOOLS) system
	mkdir -p .cache
	for seed in $(SEEDS); do SOAK=1 SOAK_SEED=$$seed SOAK_FAULTS=336 SOAK_TABLE=.cache/loss-$$seed.json \
		$(PY) -m pytest --timeout 0 tests/faults/test_soak.py; done
	$(PY) tests/faults/loss_table.py .cache/loss-*.json

check: $(TOOLS)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

weights: $(TOOLS)
	$(PY) -m simulators.learn --scenes 80 --jobs 2 --cache .cache/learn --out rfidguard/weights

wheel: $(APP)
	sh packaging/try-wheel.sh

deb: $(APP)
	sh packaging/build-deb.sh

deb-try: deb
	sh packaging/try-deb.sh

bench-%: $(TOOLS)
	$(PY) -m benchmarks.$(subst -,_,$*)

audit: $(TOOLS)
	@sh packaging/audit.sh $(PY)

fuzz: $(TOOLS)
	$(PIP) --group fuzz
	$(PY) tests/fuzz --seconds $(FUZZ_S)
	HYPOTHESIS_PROFILE=long $(PY) -m pytest -n 2 --timeout 0 tests/properties -k "fuzz or llrp or eas or feed" $(PYTEST)

system:
	@sh tests/system-packages.sh

clean:
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
