# make run    the embedded demo, from genotypes to a report
# make test   style, types, contracts and tests
# make setup  only install
# make bench-env  GenVarLoader in .venv-bench, for python -m benchmarks.bench_haplotypes

PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_FLAGS ?=
EXTRAS ?= dev,notebook,dask
VENV ?= .venv
# Test files run side by side, each on one thread.
WORKERS ?= 2
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# A forward pass allocates and frees gigabytes. Huge pages make it 1.5 times as fast, and are read at process start only.
export THP_MEM_ALLOC_ENABLE ?= 1
export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1
export DO_NOT_TRACK = 1

.PHONY: run test setup check unit demo constraints bench-env clean

run: $(INSTALLED)
	$(BIN)/kedro run

test: check unit

setup: $(INSTALLED)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The committed demo data, simulated anew into data/01_raw/demo (a minute; the expected scores take ten more).
demo: $(INSTALLED)
	$(BIN)/python -m demo data/01_raw/demo
	$(BIN)/python -m demo.known_answer data/01_raw/demo

$(INSTALLED): pyproject.toml requirements/constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else "Error: Python %d.%d: Haploformer needs 3.11 to 3.13; set PYTHON, e.g. make PYTHON=python3.12" % v)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH_FLAGS) $(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[$(EXTRAS)]'
	touch $@

constraints: $(INSTALLED)
	echo '$(TORCH)' > $(VENV)/torch.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--constraint $(VENV)/torch.txt --no-header --no-annotate --quiet --output-file $(VENV)/compiled.txt
	grep -vE '^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==' $(VENV)/compiled.txt > requirements/constraints.txt

# An environment of its own: GenVarLoader needs other versions of packages that the project uses.
bench-env: .venv-bench/.installed

.venv-bench/.installed: benchmarks/requirements.txt
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) .venv-bench
