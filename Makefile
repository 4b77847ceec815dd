# Short names for what README.md and .ci/run do.
python := .venv/bin/python

.PHONY: install run test soak check kernels image-test

install: .venv/installed

.venv/installed: requirements.txt requirements-dev.txt requirements-cpu.txt
	python3 -m venv .venv
	-$(python) -m pip install -q --no-compile --no-deps -r requirements-cpu.txt
	$(python) -m pip install -q --no-compile -r requirements-dev.txt
	touch $@

run: install
	$(python) -m demos

test: install
	$(python) -m pytest

soak: install
	$(python) -m pytest -m soak

check: install
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	.venv/bin/lint-imports

kernels: install
	$(python) -m kogpt_funcs.models.networks.kernels

# The Dockerfile's own steps in a fresh Debian root, without an engine: as root, with debootstrap.
image-test: install
	$(python) -m pytest -m "soak or not soak" tests/hosting/test_image.py
