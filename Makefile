# Two commands do everything: `make demo` and `make test`.
# Both install into the virtual environment $(VENV), which is made when it is missing.

PYTHON ?= python3
VENV ?= .venv
# With FACE_PERCEPTION_ROS=0 without ROS 2; FACE_PERCEPTION_ROS_DISTRO=jazzy takes Jazzy's wheels.
# Passed on, for example: make demo DEMO_ARGS="--source 0"   make test PYTEST_ARGS="-k decoding"
DEMO_ARGS ?=
PYTEST_ARGS ?=
# Files of tests run beside each other, each in one process, in which their nodes are shared.
PYTEST_WORKERS ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# What pip installs for the tests of the training: the build for CPUs, which is a tenth as large.
TORCH ?= torch --index-url https://download.pytorch.org/whl/cpu

BIN := $(VENV)/bin
SOURCES := face_perception msg launch config models scripts cmake build_backend CMakeLists.txt \
	package.xml pyproject.toml setup.py
# Whether any of them is newer than a file: by no name of theirs, which may be anything.
CHANGED = $(if $(shell find $(SOURCES) -type f -not -name '*.pyc' -newer $(1) -print -quit \
	2>/dev/null),changed)

# Examples of each fuzzing test in make fuzz, for example: make fuzz FUZZ_EXAMPLES=100000
FUZZ_EXAMPLES ?= 5000

.PHONY: help demo test test-view coverage lint fuzz clean changed usable
help:
	@echo "make demo    install into $(VENV) and run camera and node for a while"
	@echo "make test    install into $(VENV) and run all tests"
	@echo "make test-view  install the Rerun viewer too and run its tests, one of them in Chromium"
	@echo "make coverage  run all tests and write which lines they reach, as HTML"
	@echo "make lint    check format, common faults and types; changes nothing"
	@echo "make fuzz    install as for the tests and try what malformed input does, for long"
	@echo "make clean   remove $(VENV) and all that these have built or written"

# The viewer is installed only where it is asked for: it is large.
demo: $(VENV)/.installed $(if $(filter --web --rerun,$(DEMO_ARGS)),$(VENV)/.viewable)
	$(BIN)/face_perception_demo $(DEMO_ARGS)

test: $(VENV)/.testable
	$(BIN)/pytest $(PYTEST_WORKERS) $(PYTEST_ARGS)

# What is seen in a real browser too, where Chromium is (apt-get install chromium chromium-driver).
# With VIEW_PICTURE=path.jpg the page that it saw is kept.
test-view: $(VENV)/.testable $(VENV)/.viewable
	$(BIN)/pytest test/view test/visuals test/tools/live test/tools/test_view.py \
		test/offline/outputs/test_rerun_log.py $(PYTEST_ARGS)

# Counts the node, the tools and all workers too (pyproject.toml); PYTEST_ARGS as for make test.
# In one process: on a busy machine pytest-xdist kills its workers before they have written all.
# The report comes also where tests fail, and a few do: those that forbid a program to write.
coverage: $(VENV)/.testable
	$(BIN)/pip install --quiet --disable-pip-version-check "coverage>=7.10"
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage html --quiet
	$(BIN)/coverage report
	@echo "Line by line: coverage_html/index.html"

# Reads the sources alone: the package need not be installed.
lint: $(BIN)/.lintable
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Other examples each time; what fails is made small, and printed. It may take longer than a test.
fuzz: $(VENV)/.testable
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -o timeout=0 test/fuzz $(PYTEST_ARGS)

$(BIN)/pip:
	@$(PYTHON) -m venv $(VENV) || { echo "face_perception: 'python3 -m venv' does not work here:" \
		"run 'sudo apt-get install python3-venv' and try again."; rm -rf $(VENV); exit 1; }

# What is in an environment names its folder and its Python, each of which may be another by now.
usable: $(BIN)/pip
	@$(BIN)/pip --version >/dev/null 2>&1 || { echo "face_perception: the virtual environment" \
		"$(VENV) does not work, as where its folder was moved or its Python is gone: run" \
		"'make clean' and try again."; exit 1; }

$(BIN)/.lintable: $(BIN)/pip pyproject.toml | usable
	@sed -n 's/^lint = \[\(.*\)\]$$/\1/p' pyproject.toml | tr -d ',' | \
		xargs $(BIN)/pip install --quiet --disable-pip-version-check
	@touch "$@"

$(VENV)/.installed: $(BIN)/pip $(call CHANGED,$(VENV)/.installed) | usable
	@$(BIN)/python build_backend/compiling.py
	@echo "Installing face_perception and ROS 2 wheels into $(VENV) (a minute or two)"
	@$(BIN)/pip install --quiet --disable-pip-version-check ".[demo,test]"
	@touch "$@"

$(VENV)/.viewable: $(BIN)/pip pyproject.toml | usable
	@echo "Installing the Rerun viewer into $(VENV)"
	@sed -n '/^view = /{s/^view = \[\(.*\)\]$$/\1/;s/", "/" "/g;p;}' pyproject.toml | \
		xargs $(BIN)/pip install --quiet --disable-pip-version-check
	@touch "$@"

# The training is tested too where PyTorch is there or can be had.
$(VENV)/.testable: $(BIN)/pip $(call CHANGED,$(VENV)/.testable) | usable
	@$(BIN)/python build_backend/compiling.py
	@echo "Installing face_perception, ROS 2 wheels and what the tests need into $(VENV)"
	@$(BIN)/python -c "import torch" 2>/dev/null || \
		$(BIN)/pip install --quiet --disable-pip-version-check --retries 1 $(TORCH) || \
		echo "face_perception: PyTorch could not be installed: the tests of the training are skipped"
	@if $(BIN)/python -c "import torch" 2>/dev/null; then extras=cluster,demo,offline,test,train; \
		else extras=cluster,demo,offline,test; fi; \
		$(BIN)/pip install --quiet --disable-pip-version-check ".[$$extras]"
	@touch "$@" $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist install log demo_output coverage_html .coverage* *.egg-info \
		.hypothesis .mypy_cache .pytest_cache .ruff_cache
