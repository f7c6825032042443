# The two commands of the README, and a few for those who maintain the course.
# Everything is installed into .venv, from the versions in requirements.lock.

PYTHON ?= python3
PROFILE ?= lesson
MUTANTS ?=
REPOSITORY ?= OWNER/REPOSITORY
RUN = .venv/bin/python
SITE = .venv-site/bin/python
CHECK = $(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("The course needs Python 3.11, 3.12 or 3.13, and " + sys.executable + " is " + sys.version.split()[0] + ": try make PYTHON=python3.12")'
LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-header --no-emit-index-url --no-emit-find-links --upgrade

.PHONY: help course speedrun test test-handouts test-faults test-mutants test-browser lab bench handout notebooks site test-site lock lock-site clean

help:
	@echo "make course     run all notebooks into build/ (PROFILE=smoke, lesson or full)"
	@echo "make speedrun   train lesson 8's network in two or three minutes, past every report"
	@echo "make test       run the tests, in a few minutes"
	@echo "make test-handouts  run all handouts as a lecturer does"
	@echo "make test-faults  break it in many ways: damaged data, kills, signals, full disks (some hours)"
	@echo "make test-mutants  do the tests notice planted faults? (hours; MUTANTS='photo --share 0.2')"
	@echo "make test-browser  run every notebook in JupyterLab in a real browser, as a student does"
	@echo "make lab        open JupyterLab"
	@echo "make bench      measure speed, side by side with the reports' own way of training"
	@echo "make handout    cut assignment versions, without solutions, into build/handout"
	@echo "make notebooks  run the lessons anew and keep their outputs, in form for a commit"
	@echo "make site       build the course as web pages into build/site (REPOSITORY=owner/name)"
	@echo "make test-site  build them and test them, in a browser as well"
	@echo "make lock       resolve requirements.txt anew into requirements.lock"
	@echo "make lock-site  the same for what make site and make test-site need"
	@echo "make clean      remove .venv, .venv-site and build"

course: .venv/installed
	$(RUN) -m fmnist_utils run --profile $(PROFILE) --out build

speedrun: .venv/installed
	$(RUN) -m fmnist_utils speedrun

# Two workers, one file each at a time, the notebooks first: what they have trained is kept for
# this test run, and found again when the tests run the whole series. (tests/conftest.py has the
# order.) One thread each: two that compete for the same cores lose up to a tenth.
test: .venv/installed
	rm -rf build/test-runs
	FMNIST_PROFILE=smoke FMNIST_RUNS_DIR="$(CURDIR)/build/test-runs" MPLBACKEND=agg \
	  TF_NUM_INTRAOP_THREADS=1 \
	  $(RUN) -m pytest -m 'not long' -n 2 --dist loadfile --no-loadscope-reorder --nbval-lax --nbval-cell-timeout 600

# What `make test` has trained is found again.
test-handouts: .venv/installed
	FMNIST_PROFILE=smoke MPLBACKEND=agg $(RUN) -m pytest -m long tests/test_notebooks.py

test-faults: .venv/installed
	MPLBACKEND=agg $(RUN) -m pytest tests_faults
	FMNIST_PROFILE=smoke MPLBACKEND=agg $(RUN) -m pytest -m long tests

# Goes on where it was stopped. Its report is build/mutants/report.md.
test-mutants: .venv/mutants/installed
	PYTHONPATH=.venv/mutants nice -n 10 $(RUN) tests_mutants/mutants.py $(MUTANTS)

lab: .venv/installed
	$(RUN) -m jupyterlab notebooks

bench: .venv/installed
	for one in training operations augmentation workers start series growth; do \
	  $(RUN) benchmarks/$$one.py || exit 1; done

handout: .venv/installed
	rm -rf build/handout
	$(RUN) tools/handout.py

notebooks: .venv/installed
	rm -rf build/lesson-runs build/lesson
	FMNIST_RUNS_DIR="$(CURDIR)/build/lesson-runs" \
	  $(RUN) -m fmnist_utils run --profile lesson --out build/lesson
	cp build/lesson/*.ipynb notebooks/
	$(RUN) tools/normalise.py
	$(RUN) tools/picture.py

# Web pages, made of the committed notebooks with their outputs: nothing is executed. Their tools
# have an environment of their own, so that the course's stays small.
site: .venv-site/installed
	$(SITE) tools/site.py --repository $(REPOSITORY)

test-site: site .venv/installed .venv-site/for-tests
	$(SITE) -m pytest tests_site --ignore tests_site/test_jupyterlab.py

test-browser: .venv/installed .venv-site/for-tests
	$(SITE) -m pytest tests_site/test_jupyterlab.py

# Needs uv (python -m pip install uv). Names, versions and hashes only, for every platform.
# The extras stay in: without them pip before 24 looks for hashes of a newer jsonschema.
lock:
	$(LOCK) --no-strip-extras requirements.txt --output-file requirements.lock
	$(LOCK) --no-deps tests_mutants/requirements.txt --output-file tests_mutants/requirements.lock

lock-site:
	$(LOCK) docs/requirements.txt --output-file docs/requirements.lock
	$(LOCK) tests_site/requirements.txt -c docs/requirements.lock \
	  --output-file tests_site/requirements.lock

.venv/installed: requirements.lock pyproject.toml
	@$(CHECK)
	$(PYTHON) -m venv --clear .venv
	$(RUN) -m pip install --quiet --require-hashes --requirement requirements.lock
	$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .
	mkdir -p .venv/etc/jupyter && cp tools/jupyter_config.json .venv/etc/jupyter/
	@touch $@

# Beside the environment's own packages, of which it needs some and changes none.
.venv/mutants/installed: tests_mutants/requirements.lock .venv/installed
	$(RUN) -m pip install --quiet --upgrade --no-deps --require-hashes --requirement $< \
	  --target .venv/mutants
	@touch $@

.venv-site/installed: docs/requirements.lock
	@$(CHECK)
	$(PYTHON) -m venv --clear .venv-site
	$(SITE) -m pip install --quiet --require-hashes --requirement $<
	@touch $@

.venv-site/for-tests: tests_site/requirements.lock .venv-site/installed
	$(SITE) -m pip install --quiet --require-hashes --requirement $<
	@touch $@

clean:
	rm -rf .venv .venv-site build
