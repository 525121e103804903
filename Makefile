PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test check lint types view bench bridges docs docs-pages clean
.DEFAULT_GOAL := run

run: .venv/done  ## the samplers, equally tuned, on the two embedded data sets, with the kernels of a plain install: a table, and a report on disk
	NEGBENCH_KERNELS=torch $(BIN)/negbench run --tuned embedded --methods random,popularity,in_batch,mixed,dns,dns_mn,adaptive --datasets goodbooks,kuairec --backbones mf --jobs auto --references most_popular,item_knn,ease --seeds 100-103 --out runs/first
	$(BIN)/negbench report runs/first

test: .venv/done  ## the whole suite, a process a core and at most four; each has one thread, so that they share the cores
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n logical --maxprocesses 4 --dist loadfile

bench: .venv/done  ## how fast everything is: a table, and bench.json; DATA_DIR= where the real data are
	$(BIN)/python benchmarks/bench.py $(if $(DATA_DIR),--data-dir $(DATA_DIR))

bridges: build/venv-bridges/done build/venv-recbole/done  ## examples/bridges/ with the real libraries, in environments of their own
	build/venv-bridges/bin/pytest -q tests/bridges
	build/venv-recbole/bin/pytest -q tests/bridges -k recbole

build/venv-bridges/done: examples/bridges/requirements.txt pyproject.toml
	$(PYTHON) -m venv build/venv-bridges
	build/venv-bridges/bin/pip install --quiet --requirement $< --editable .
	touch $@

build/venv-recbole/done: examples/bridges/requirements-recbole.txt pyproject.toml
	$(PYTHON) -m venv build/venv-recbole
	build/venv-recbole/bin/pip install --quiet --requirement $< --editable .
	build/venv-recbole/bin/pip install --quiet --no-deps recbole==1.2.1
	touch $@

docs: .venv/done  ## the documentation site, build/site/index.html; reading it needs no network
	$(BIN)/python docs/build_site.py

docs-pages: .venv/done  ## docs/methods.md, docs/datasets.md and docs/metrics.md from the source, the tables of studies and reproductions from results/
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/result_tables.py

check: lint types test  ## what lands must pass

lint: .venv/done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

view: .venv/done  ## the installed shape of the package, as links, for type checkers and editors
	rm -rf build/view && mkdir -p build/view/negbench
	ln -s $(CURDIR)/negbench/* build/view/negbench/
	ln -s $(CURDIR)/methods $(CURDIR)/datasets $(CURDIR)/analysis build/view/negbench/

types: view
	$(BIN)/mypy

.venv/done: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'negbench needs Python 3.11 or newer; got ' + sys.version.split()[0] + '; set PYTHON=')"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf build dist .venv *.egg-info
