# The six commands that people type. `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

install:  ## set up everything that work on it and its tests need
	$(PYTHON) -m pip install -e ".[test]"

quick:  ## the tests without Keras and office programs, well under a minute
	$(PYTHON) -m pytest -m "not slow" -q

test:  ## every test
	$(PYTHON) -m pytest

lint:  ## style and types
	ruff check .
	ruff format --check .
	mypy

docs:  ## make the generated pages of docs/ again, and the documentation as a site
	$(PYTHON) docs/make_layers.py
	$(PYTHON) docs/make_audit.py
	mkdocs build

bench:  ## a short run of the benchmarks
	$(PYTHON) -m benchmarks --tiny

.PHONY: help install quick test lint docs bench
