"""The project's commands: huge pages, and errors in one line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from kedro.config import OmegaConfigLoader
from kedro.io import DatasetError

from haploformer.cli import HUGE_PAGES, RESTARTED_VARIABLE, cli, describe_error, huge_page_environment
from haploformer.errors import InputError


def test_huge_page_environment__starts_again_once_and_only_where_it_helps():
    again = huge_page_environment({"PATH": "x"}, platform="linux")
    assert again == {"PATH": "x", **HUGE_PAGES, RESTARTED_VARIABLE: "1"}
    assert huge_page_environment(again, platform="linux") is None
    assert huge_page_environment({"PATH": "x"}, platform="darwin") is None


@pytest.mark.parametrize("variable", sorted(HUGE_PAGES))
def test_huge_page_environment__what_the_user_has_set_stands(variable):
    assert huge_page_environment({variable: "0"}, platform="linux") is None


def raise_within_another() -> None:
    try:
        raise InputError("a.vcf:22:5", "is wrong", "mend it")
    except InputError as inner:
        raise RuntimeError("while loading") from inner


def test_describe_error__the_first_input_error_of_the_chain():
    with pytest.raises(RuntimeError) as caught:
        raise_within_another()
    assert describe_error(caught.value) == "a.vcf:22:5: is wrong; mend it"


def test_describe_error__an_error_of_our_own_keeps_its_traceback():
    assert describe_error(AssertionError("a shard is missing")) is None
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / len([])
    assert describe_error(caught.value) is None


@pytest.mark.parametrize("text", ["a: &a [*a]", "&a [*a]", "a: &a {type: *a}", f"a: [{'[' * 2000}"])
@pytest.mark.parametrize("file", ["globals.yml", "parameters.yml", "catalog.yml"])
def test_describe_error__a_yaml_without_an_end(tmp_path, file, text):
    path = tmp_path / "base" / file
    path.parent.mkdir()
    path.write_text(f"{text}\n")
    with pytest.raises(RecursionError) as caught:
        OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="base")[path.stem]
    assert describe_error(caught.value) == (
        f"{path}: a value of the YAML holds itself (*x within &x), or values lie in each other too deep; "
        "write the value out, or leave it out"
    )


def test_describe_error__a_recursion_of_our_own_keeps_its_traceback():
    def recurse(n: int) -> int:
        return recurse(n + 1)

    with pytest.raises(RecursionError) as caught:
        recurse(0)
    assert describe_error(caught.value) is None


def raise_full_disk(path: str | None) -> None:
    try:
        raise OSError(28, "No space left on device", path)
    except OSError as inner:
        raise DatasetError("Failed while saving data to dataset X(filepath='/b')") from inner


def test_describe_error__a_full_disk_names_the_path():
    with pytest.raises(DatasetError) as caught:
        raise_full_disk("/a/b")
    assert describe_error(caught.value) == "/a/b: cannot be written (No space left on device); make room and run again"
    with pytest.raises(DatasetError) as caught:
        raise_full_disk(None)
    assert describe_error(caught.value) == "Failed while saving data to dataset X(filepath='/b')"


def convert(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of ``kedro convert-weights``."""
    result = CliRunner().invoke(cli, ["convert-weights", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_convert_weights__says_what_was_kept_and_replaces_only_by_force(tmp_path):
    import torch

    path, target = tmp_path / "pytorch_model.bin", tmp_path / "model.safetensors"
    half, counter = torch.ones(2, dtype=torch.float16), torch.zeros((), dtype=torch.long)
    names = ["stem.0.weight", "_trunk.1.0.weight", "stem.0.bias", "_heads.mouse.0.weight"]
    torch.save(dict.fromkeys(names, half) | {"stem.1.fn.0.num_batches_tracked": counter}, path)
    code, said, errors = convert(tmp_path)
    assert (code, errors) == (0, "")
    kept = "2 weights, 2 widened to float32; 1 listed twice and 2 of other heads and counters left out"
    assert said.startswith(f"{target}: {kept}; gamma tabulated; sha256 of the weights ")
    assert convert(tmp_path) == (
        1,
        "",
        f"Error: {target}: the file is there already; give another --output, or --force to replace it\n",
    )
    code, said, _ = convert(path, "--force", "--gamma", "computed")
    assert code == 0
    assert "; gamma computed; " in said
    assert convert(path, "--output", tmp_path / "other.safetensors")[0] == 0


def test_convert_weights__an_error_is_one_line(tmp_path):
    path = tmp_path / "w.bin"
    assert convert(path) == (
        1,
        "",
        f"Error: {path}: the checkpoint is missing; give a .bin, or a folder that holds pytorch_model.bin\n",
    )
    path.write_bytes(b"PK\x03\x04 torn")
    code, said, errors = convert(path)
    assert (code, said) == (1, "")
    assert errors.startswith(f"Error: {path}: no checkpoint of weights alone (")
    assert errors.endswith("); give a PyTorch state dict\n")
    assert errors.count("\n") == 1
