# Every target builds .venv first. Variables: PROTOCOL DATASETS METHODS BACKBONES RATIO SEEDS SIZE
# WORKERS RESULTS OPTIONS, of tune TRIALS too, as in: make table1 PROTOCOL=paper DATASETS=breast

PYTHON ?= python3
PROTOCOL ?= laptop
RESULTS ?= results
BENCH = .venv/bin/python -m bench

option = $(if $($(1)),--$(2) "$($(1))")
SELECTION = $(call option,DATASETS,datasets) $(call option,METHODS,methods) \
	$(call option,BACKBONES,backbones) $(call option,RATIO,ratio) $(call option,SEEDS,seeds) \
	$(call option,SIZE,size)

SHOW = --protocol $(PROTOCOL) --results $(RESULTS) $(SELECTION) $(OPTIONS)
RUN = $(SHOW) $(call option,WORKERS,workers)
TABLES = table1 table2 table3 table4 table5 table6

.PHONY: $(TABLES) figures paper audit readings report tune quick speed gpu test test-all mutants faults \
	check check-numbers site

$(TABLES): table%: .venv/ready
	$(BENCH) table $* $(RUN)

figure-%: .venv/ready
	$(BENCH) figure $* $(RUN)

figures: figure-all

readings paper: .venv/ready
	$(BENCH) $@ $(RUN)

audit report: .venv/ready
	$(BENCH) $@ $(SHOW)

tune: .venv/ready
	$(BENCH) tune $(RUN) $(call option,TRIALS,trials)

quick: PROTOCOL = quick
quick: .venv/ready
	$(BENCH) table 1 $(RUN)

speed: .venv/ready
	.venv/bin/python tests/speed/speed.py --out $(RESULTS)/speed $(OPTIONS)

gpu: .venv/ready
	.venv/bin/python tests/gpu/gpu.py --out $(RESULTS)/gpu $(OPTIONS)

test: check
	.venv/bin/python -m pytest -n logical

test-all: check
	.venv/bin/python -m pytest -m "slow or not slow"

mutants: .venv/ready
	.venv/bin/python tests/mutants/run.py

faults: .venv/ready
	.venv/bin/python tests/faults/faults.py $(OPTIONS)

check: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

site: .venv/ready
	.venv/bin/python -m pip install --quiet --editable '.[docs]'
	.venv/bin/python -m mkdocs build --quiet --config-file website/mkdocs.yml
	@echo build/site/index.html

check-numbers: .venv/ready
	$(BENCH) check
	.venv/bin/python -m pytest -q -m slow tests/test_make.py

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --editable '.[dev,gen]'
	@touch $@
