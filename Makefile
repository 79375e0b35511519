# make example   compare focal loss and log-loss on real data, in LightGBM and XGBoost
# make test      run the tests
# make slow      run the tests that take long
# make lint      check the style and the types
# make benchmark compare the speed with the frameworks' own objectives; ARGS=--quick for a look
# make interop   test the explainers and exporters that take our models
# make docs      build the site in docs/_build, without a warning and without a dead link inside it
# make wheels    build wheels with zig and try them; ARGS=all builds those for ARM, macOS and Windows too
# make study     compute what the benchmark study lacks (ARGS="--jobs 2": two trainings at a time, some hours in all),
#                and write its report; ARGS=--quick takes 3 minutes
# make class-balanced  the same for the comparison with the losses of gbdtCBL, docs/evidence/class_balanced.md
#
# Each sets up .venv at the first run. PYTHON=python3.12 chooses the interpreter.

PYTHON ?= python3
# Tests compare with PyTorch where there is a build to be had: TORCH= does without, and those tests are skipped.
TORCH ?= torch==2.13.0
ARGS ?=

BIN := .venv/bin
# Stamps: each says that a set of packages is in .venv.
STAMPS := .venv/stamps
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
NATIVE := CMakeLists.txt $(wildcard src/focalboost/_kernel/*.cpp src/focalboost/_kernel/*.hpp src/focalboost/_kernel/*.inl)

.NOTPARALLEL:
.PHONY: example test slow lint benchmark study study-report class-balanced interop docs wheels

example: $(STAMPS)/examples
	$(BIN)/python examples/fraud_detection.py $(ARGS)

test: $(STAMPS)/test
	$(BIN)/python -m pytest -n auto $(ARGS)

slow: $(STAMPS)/test
	$(BIN)/python -m pytest -n auto -m slow $(ARGS)

lint: $(STAMPS)/lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: $(STAMPS)/peers
	$(BIN)/python -m benchmarks $(ARGS)

interop: $(STAMPS)/interop
	$(BIN)/python -m pytest tests/project/test_interop.py $(ARGS)
	$(BIN)/python -m pytest -m slow tests/docs/test_pages.py -k 'ray or catboost or serving'

docs: $(STAMPS)/docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build $(ARGS)
	$(BIN)/python docs/links.py docs/_build

wheels:
	$(PYTHON) tools/wheels.py $(ARGS)

STUDY := OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.study

study: $(STAMPS)/study
	$(STUDY) run $(ARGS)
	$(STUDY) report $(ARGS)

study-report: $(STAMPS)/study
	$(STUDY) report $(ARGS)

class-balanced: $(STAMPS)/study
	$(STUDY:study=class_balanced) run $(ARGS)
	$(STUDY:study=class_balanced) report $(ARGS)

$(STAMPS)/created:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "$(PYTHON) was not found: install Python 3.11 or newer, or run 'make PYTHON=FILE ...'" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "focalboost needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
	    "with another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@mkdir -p $(STAMPS)
	@touch $@

# PyTorch comes before all else, so that nothing asks for another build of it. Its failure is no failure of ours.
$(STAMPS)/torch: $(STAMPS)/created
	@if [ -z "$(TORCH)" ] || ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then \
	  echo "PyTorch is not installed: the tests that compare with it will be skipped"; \
	elif ! $(PIP) install "$(TORCH)"; then \
	  echo "WARNING: PyTorch could not be installed: the tests that compare with it will be skipped"; \
	fi
	@touch $@

# xgboost-cpu is the same module as xgboost without a GPU. Where there is no build of it, xgboost itself.
$(STAMPS)/xgboost: $(STAMPS)/created
	$(BIN)/python -c 'import xgboost' 2>/dev/null || $(PIP) install "xgboost-cpu>=3.2" || $(PIP) install "xgboost>=3.2"
	@touch $@

# Editable, so that Python files are live; pip compiles the kernel, again whenever its sources change.
$(STAMPS)/package: pyproject.toml $(NATIVE) | $(STAMPS)/created
	@command -v "$${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || \
	  { echo "focalboost needs a C++17 compiler: install g++ or clang" \
	    "(Debian: apt-get install g++; macOS: xcode-select --install)" >&2; exit 1; }
	$(PIP) install -e .
	@touch $@

$(STAMPS)/examples: $(STAMPS)/package $(STAMPS)/xgboost .ci/requirements.py
	$(call install,examples)

$(STAMPS)/study: $(STAMPS)/package $(STAMPS)/xgboost .ci/requirements.py
	$(call install,study)

$(STAMPS)/test: $(STAMPS)/torch $(STAMPS)/package $(STAMPS)/xgboost .ci/requirements.py
	$(call install,test)

$(STAMPS)/lint: $(STAMPS)/examples
	$(call install,lint)

# Packages to compare with: the suite says which are missing. The last one's dependencies are there already.
$(STAMPS)/peers: $(STAMPS)/torch $(STAMPS)/examples
	$(BIN)/python .ci/requirements.py peers >$@.txt
	@$(PIP) install -r $@.txt && $(PIP) install --no-deps imbalance-xgboost || \
	  echo "WARNING: not all packages to compare with could be installed"
	@touch $@

$(STAMPS)/interop: $(STAMPS)/test
	$(call install,interop)

$(STAMPS)/docs: $(STAMPS)/examples
	$(call install,docs)

define install
	$(BIN)/python .ci/requirements.py $(1) >$@.txt
	$(PIP) install -r $@.txt
	@touch $@
endef
