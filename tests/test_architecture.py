"""The structure guards itself: import contracts, light imports, resolvable hints, no unsafe calls, a full catalog."""

from __future__ import annotations

import ast
import gzip
import inspect
import json
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from pydantic import BaseModel

from haploformer.parameters import GROUPS
from haploformer.pipeline_registry import register_pipelines
from haploformer.settings import CONFIG_LOADER_ARGS
from tests.conftest import ROOT

SOURCES = ROOT / "src" / "haploformer"
PIPELINES = register_pipelines()
NODES = {node.name: node for made in PIPELINES.values() for node in made.nodes}

HEAVY = [
    "torch",
    "enformer_pytorch",
    "transformers",
    "sklearn",
    "scipy",
    "cyvcf2",
    "pyfaidx",
    "plotly",
    "zarr",
    "xarray",
]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {"PYTHONPATH": str(root / "src"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("module", "planted", "contract"),
    [
        ("genome/encoding.py", "import kedro", "Domain packages and formats know nothing of Kedro"),
        (
            "pipelines/baselines/nodes.py",
            "import haploformer.pipelines.stacking.nodes",
            "No pipeline imports another",
        ),
        ("genome/windows.py", "import torch", "genome knows no torch"),
        ("stacking/stack.py", "import haploformer.evaluation.metrics", "do not import each other"),
    ],
)
def test_contracts__a_planted_import_is_found(tmp_path, module, planted, contract):
    shutil.copytree(SOURCES, tmp_path / "src" / "haploformer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    clean = lint_imports(tmp_path)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    path = tmp_path / "src" / "haploformer" / module
    path.write_text(f"{path.read_text()}\n{planted}\n")
    broken = lint_imports(tmp_path)
    assert broken.returncode == 1
    assert any(contract in line and "BROKEN" in line for line in " ".join(broken.stdout.split()).split("KEPT"))


def test_registry__imports_nothing_heavy():
    code = (
        "import json, sys; from pathlib import Path; from kedro.framework.startup import bootstrap_project;"
        f"bootstrap_project(Path({str(ROOT)!r})); from kedro.framework.project import pipelines; dict(pipelines);"
        "import haploformer.cli, haploformer.hooks; print(json.dumps(sorted(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout.splitlines()[-1])
    assert "haploformer.pipelines.stacking.nodes" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_datasets__import_nothing_heavy():
    modules = [f"haploformer.datasets.{path.stem}" for path in sorted((SOURCES / "datasets").glob("[a-z]*.py"))]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [name for name in HEAVY if name in result.stdout.split()] == []


@pytest.mark.parametrize("name", sorted(NODES))
def test_nodes__every_hint_resolves_and_parameters_are_models(name):
    node = NODES[name]
    hints = get_type_hints(node.func)
    parameters = list(inspect.signature(node.func).parameters.values())
    arguments = [parameter.name for parameter in parameters]
    if parameters[-1].kind == inspect.Parameter.VAR_KEYWORD:
        arguments += arguments[-1:] * (len(node.inputs) - len(arguments))
    assert set(arguments) <= set(hints), "an argument without a hint"
    assert "return" in hints
    for argument, dataset in zip(arguments, node.inputs, strict=True):
        if dataset.startswith("params:"):
            assert issubclass(hints[argument], BaseModel)
            assert hints[argument] is GROUPS[dataset.removeprefix("params:")]


@pytest.mark.parametrize("name", sorted(NODES))
def test_nodes__are_short(name):
    body = ast.parse(inspect.getsource(NODES[name].func)).body[0].body
    lines = body[-1].end_lineno - body[0].lineno + 1
    assert lines <= 40


COHORT = ["data_prep", "sequence_build", "enformer_inference", "baselines", "stacking", "evaluation", "final_models"]


def test_parameters__the_base_environment_has_every_group():
    """A pipeline that reads a group finds it in every environment."""
    there = yaml.safe_load((ROOT / "conf/base/parameters.yml").read_text())
    assert set(there) == set(GROUPS)


def test_pipelines__the_default_is_the_chain_of_a_cohort():
    assert set().union(*(set(PIPELINES[name].nodes) for name in COHORT)) == set(PIPELINES["__default__"].nodes)
    selections = {"individual_prediction", "gene_prediction", "sequence_prediction"}
    effects = {"variant_effects", "haplotype_effects", "mutagenesis"}
    comparisons = {"external_eqtls", "eqtl_scan", "eqtl_sizes", "linear_export"}
    questions = {"disease_variants", "population_effects"}
    shards = {"enformer_shards", "variant_effect_shards", "disease_variant_shards"}
    others = {
        "across_genes",
        "baseline_scores",
        "figure_images",
        "held_out_genes",
        "held_out_populations",
        "validate",
        "verify",
        "__default__",
    }
    new_people = {"final_baselines", "apply", "apply_baselines"}
    assert set(PIPELINES) == {*COHORT, *selections, *effects, *questions, *comparisons, *shards, *new_people, *others}


def _has_literal(call: ast.Call, name: str, value: object) -> bool:
    """Whether a call says ``name=value`` with the value written out."""
    return any(k.arg == name and isinstance(k.value, ast.Constant) and k.value.value is value for k in call.keywords)


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal", "socket", "urllib", "requests"}


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCES)))
def test_sources__no_unsafe_call(path):
    check_calls(path)


#: The one file that may open a pickle, in one call that runs no code of it.
CHECKPOINT_READER = "formats/checkpoint.py"
SAFE_LOAD = "torch.load(path, weights_only=True)"


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        (CHECKPOINT_READER, "torch.load(path)"),
        (CHECKPOINT_READER, "torch.load(path, weights_only=False)"),
        (CHECKPOINT_READER, "torch.load(path, weights_only=safe)"),
        (CHECKPOINT_READER, "torch.load(path, weights_only=1)"),
        (CHECKPOINT_READER, "torch.load(path, **options)"),
        (CHECKPOINT_READER, "torch.load(path, weights_only=True, pickle_module=other)"),
        (CHECKPOINT_READER, f"{SAFE_LOAD}\n{SAFE_LOAD}"),
        (CHECKPOINT_READER, f"{SAFE_LOAD}\nread = torch.load"),
        ("formats/weights.py", SAFE_LOAD),
        ("enformer/checkpoint.py", SAFE_LOAD),
        ("formats/weights.py", "read = torch.load"),
        ("formats/weights.py", "from torch import load"),
        ("formats/weights.py", "from torch.serialization import load as read"),
        ("formats/weights.py", "from torch import serialization"),
        ("formats/weights.py", "import torch as t\nt.load(path)"),
        ("formats/weights.py", "torch.jit.load(path)"),
        ("formats/weights.py", "torch.hub.load_state_dict_from_url(path)"),
        ("formats/weights.py", "import pickle"),
        ("nodes.py", "np.load(path, allow_pickle=True)"),
        ("nodes.py", "subprocess.run(command, shell=True)"),
    ],
)
def test_check_calls__finds_what_is_planted(tmp_path, name, planted):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{planted}\n")
    with pytest.raises(AssertionError):
        check_calls(path)
    path.write_text(f"{SAFE_LOAD}\n" if name == CHECKPOINT_READER else "np.load(path)\n")
    check_calls(path)


def test_sources__open_a_pickle_in_one_place():
    counts = {str(path.relative_to(SOURCES)): path.read_text().count("torch.load(") for path in SOURCES.rglob("*.py")}
    assert {name: n for name, n in counts.items() if n} == {CHECKPOINT_READER: 1}


def _loads_of_torch(tree: ast.AST) -> list[ast.Attribute]:
    """Every mention of a function of torch that opens a file, called or not."""
    mentions = [part for part in ast.walk(tree) if isinstance(part, ast.Attribute) and part.attr.startswith("load")]
    return [part for part in mentions if ast.unparse(part.value).split(".")[0] == "torch"]


def _is_safe_load(call: ast.Call) -> bool:
    given = {keyword.arg for keyword in call.keywords}
    safe = _has_literal(call, "weights_only", True) and given <= {"weights_only", "map_location", "mmap"}
    return ast.unparse(call.func) == "torch.load" and safe


def check_calls(path: Path) -> None:
    tree = ast.parse(path.read_text())
    safe_loads = [part.func for part in ast.walk(tree) if isinstance(part, ast.Call) and _is_safe_load(part)]
    may_load = path.parts[-2:] == tuple(CHECKPOINT_READER.split("/"))
    assert len(safe_loads) <= may_load, f"{path.name}: torch.load"
    assert all(mention in safe_loads for mention in _loads_of_torch(tree)), f"{path.name}: torch.load"
    for part in ast.walk(tree):
        if isinstance(part, ast.Import | ast.ImportFrom):
            module = getattr(part, "module", None) or ""
            names = [alias.name for alias in part.names] + [module]
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_MODULES
            # Under another name a call would not be found.
            assert not any(alias.name.split(".")[0] == "torch" and alias.asname for alias in part.names)
            reading = [name for name in names if name.startswith("load") or name in {"serialization", "hub", "jit"}]
            assert module.split(".")[0] != "torch" or not reading
        if isinstance(part, ast.Call):
            called = ast.unparse(part.func)
            assert called not in FORBIDDEN_CALLS
            allowed = {
                # Building the module needs the global generator; fork_rng gives it back as it was.
                "torch.manual_seed": path.name == "model.py",
            }
            unsafe = {"yaml.load", "os.system", "np.random.seed", "torch.manual_seed"}
            assert called not in unsafe or allowed.get(called, False), f"{path.name}:{part.lineno}: {called}"
            for keyword in part.keywords:
                assert not (keyword.arg == "allow_pickle" and getattr(keyword.value, "value", True))
                assert not (keyword.arg == "shell" and getattr(keyword.value, "value", True))


def test_catalog__every_dataset_is_stored_and_has_a_layer(project):
    code = (
        "import json; from pathlib import Path; from kedro.framework.session import KedroSession;"
        "from kedro.framework.startup import bootstrap_project; bootstrap_project(Path.cwd());"
        "catalog = KedroSession.create().load_context().catalog;"
        "from haploformer.pipeline_registry import register_pipelines;"
        "names = [n for n in register_pipelines()['__default__'].datasets() if not n.startswith('params:')];"
        "print(json.dumps({n: [type(catalog.get(n)).__name__, getattr(catalog.get(n), 'metadata', None)] for n in names}))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
    datasets = json.loads(result.stdout.splitlines()[-1])
    assert [
        name for name, (_, metadata) in datasets.items() if not (metadata or {}).get("kedro-viz", {}).get("layer")
    ] == []
    assert {name for name, (kind, _) in datasets.items() if kind == "MemoryDataset"} == {
        "cis_dosages",
        "gathered_predictions",
        "gathered_inner_predictions",
    }


CATALOG = {path.name: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "conf/base/catalog").glob("*.yml"))}


def test_outputs__every_stored_dataset_is_named():
    """In docs/outputs.md, by its name or a pattern; what lies at the same place is another view on it."""
    cells = [line.split("|")[1] for line in (ROOT / "docs/outputs.md").read_text().splitlines() if line[:3] == "| `"]
    named = [re.sub("<[a-z]+>", "*", name) for cell in cells for name in re.findall("`([^`]+)`", cell)]
    stored = {
        entry["filepath"]: re.sub(r"\{\w+\}", "*", name)
        for file, entries in reversed(CATALOG.items())
        for name, entry in reversed(entries.items())
        if file != "01_raw.yml" and isinstance(entry, dict) and "filepath" in entry
    }
    # Models of another run, which apply reads.
    ours = [name for place, name in stored.items() if not place.startswith("${_models}")]
    assert len(ours) > 100
    patterns = [name for name in ours if "*" in name]
    told = {name for name in ours if any(fnmatchcase(name, pattern) for pattern in named)}
    told |= {pattern for pattern in patterns if any(fnmatchcase(name, pattern) for name in named)}
    assert [name for name in ours if name not in told] == []


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        (
            {"levels": "tpm.bed.gz"},
            ["gene_levels", "reference_track_predictions", "across_genes_predictions", "across_genes_weights"],
        ),
        (
            {"enformer_sequences": "sequences.bed"},
            ["gene_levels", "reference_track_predictions", "across_genes_scores"],
        ),
    ],
)
def test_catalog__an_input_of_the_command_line_has_a_folder_of_its_own(given, entries):
    """What is made of it does not take the place of what the environment's own file gave."""
    usual, other = (
        OmegaConfigLoader(str(ROOT / "conf"), runtime_params=params, **CONFIG_LOADER_ARGS)["catalog"]
        for params in ({}, given)
    )
    changed = {name for name, entry in other.items() if entry.get("filepath") != usual[name].get("filepath")}
    made = {name for name in changed if not str(other[name]["filepath"]).endswith(next(iter(given.values())))}
    assert set(entries) <= made
    assert made == PIPELINES["across_genes"].all_outputs()


#: A path of somebody's machine, an index of packages, an address in a lock file.
MACHINE_OR_HOST = re.compile(
    rb"(?<![\w.~-])/(?:tmp|work|root|home|opt|Users)/\w|--(?:extra-)?index-url[ =]+https?://|find-links|"
    rb"[\w.-]*(?:pypi|pythonhosted|artifactory|nexus|jfrog)[\w-]*\.[a-z]{2,}"
)


def machine_or_host(content: bytes) -> list[bytes]:
    return MACHINE_OR_HOST.findall(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


def test_tracked_files__name_no_machine_and_no_host():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.is_file() and path != Path(__file__):
            assert machine_or_host(path.read_bytes()) == [], name


@pytest.mark.parametrize(
    "planted",
    [
        "see /" + "work/main",
        "'/" + "home/ada/x'",
        "--index-url https://x",
        "https://files.python" + "hosted.org/a",
        "(/" + "tmp/y)",
    ],
)
def test_tracked_files__a_planted_machine_or_host_is_found(planted):
    assert machine_or_host(planted.encode())
    assert machine_or_host(gzip.compress(planted.encode()))
