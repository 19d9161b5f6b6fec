"""Weights from files: the published form and ours, every key, shape and type, and where position features come from."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from enformer_pytorch.modeling_enformer import Attention, Enformer
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from haploformer.enformer.geometry import PRESETS, Geometry
from haploformer.enformer.model import HEAD, canonical_state, untrained_module, weights_sha256
from haploformer.errors import InputError
from haploformer.formats.checkpoint import convert_checkpoint
from haploformer.formats.weights import WeightsChoice, check_weights, load_model, write_weights

SMALL = Geometry(dim=48, depth=2, heads=4, window=2048, n_bins=8, n_tracks=5, channel_multiple=8)
#: The window of the published model, in a network that runs in a second.
LONG = Geometry(dim=192, depth=1, heads=1, window=196_608, n_bins=896, n_tracks=2, channel_multiple=8)
QUERY = "transformer.0.0.fn.1.to_q.weight"


def chosen(weights: object, *, folder: Path = Path("nowhere"), gamma: str | None = None) -> WeightsChoice:
    return WeightsChoice(str(weights), folder, gamma)


def published_form(geometry: Geometry, *, seed: int = 3, n_mouse: int = 3) -> Enformer:
    """A network with both heads, as the published checkpoint has them, and weights that react to the sequence."""
    module = Enformer.from_hparams(
        dim=geometry.dim,
        depth=geometry.depth,
        heads=geometry.heads,
        output_heads={"human": geometry.n_tracks, "mouse": n_mouse},
        target_length=geometry.n_bins,
        dim_divisible_by=geometry.channel_multiple,
        use_tf_gamma=geometry.tabulated_gamma,
    )
    missing, unknown = module.load_state_dict(canonical_state(untrained_module(geometry, seed)), strict=False)
    assert not unknown
    assert all(name.startswith(("_trunk", "_heads.mouse")) or "num_batches" in name for name in missing)
    return module.eval()


def one_hot(length: int, seed: int = 0) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, (1, length))]


def forward(module: nn.Module, x: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        return module(torch.from_numpy(x))[HEAD]


@pytest.fixture(scope="module")
def published():
    return published_form(SMALL)


@pytest.fixture
def folder(published, tmp_path):
    """The folder of a checkpoint as it is published."""
    made = tmp_path / "official"
    made.mkdir()
    torch.save(published.state_dict(), made / "pytorch_model.bin")
    return made


def test_convert_checkpoint__loads_and_equals_the_librarys_forward(published, folder):
    done = convert_checkpoint(folder, None, gamma="computed")
    assert done.path == folder / "model.safetensors"
    assert done.n_weights == len(canonical_state(untrained_module(SMALL, 0)))
    assert done.n_listed_twice > 50
    assert done.n_left_out > 2
    assert done.n_widened == 0
    check_weights(chosen(done.path), SMALL)
    model = load_model(chosen(done.path), SMALL, seed=0)
    assert model.sha256 == done.sha256 == weights_sha256(canonical_state(untrained_module(SMALL, 3)))
    assert model.weights == f"model.safetensors (sha256 {done.sha256[:12]})"
    x = one_hot(2048)
    assert torch.equal(forward(model.module, x), forward(published, x))
    assert load_model(chosen(folder), SMALL, seed=0).sha256 == done.sha256


@pytest.mark.parametrize("listing", ["both", "trunk", "own"])
def test_load_model__either_listing_of_the_trunk_will_do(published, tmp_path, listing):
    state = {name: value.clone() for name, value in published.state_dict().items()}
    if listing != "both":
        twins = ("stem.", "conv_tower.", "transformer.", "final_pointwise.")
        left_out = twins if listing == "trunk" else ("_trunk.",)
        state = {name: value for name, value in state.items() if not name.startswith(left_out)}
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    check_weights(chosen(path), SMALL)
    model = load_model(chosen(path), SMALL, seed=0)
    assert model.sha256 == weights_sha256(canonical_state(untrained_module(SMALL, 3)))


def test_load_model__two_listings_that_differ_are_refused(published, tmp_path):
    state = {name: value.clone() for name, value in published.state_dict().items()}
    state["_trunk.1.0.weight"][0, 0, 0] += 1
    path = tmp_path / "w.safetensors"
    save_file(state, path)
    with pytest.raises(InputError, match=r"0\.weight: the weight is listed twice, with different values; fetch"):
        load_model(chosen(path), SMALL, seed=0)
    torch.save(state, tmp_path / "w.bin")
    with pytest.raises(InputError, match=r"w\.bin:\S+: the weight is listed twice, with different values"):
        convert_checkpoint(tmp_path / "w.bin", None, gamma="computed")
    assert not (tmp_path / "model.safetensors").exists()


def test_convert_checkpoint__half_precision_is_widened_and_told(published, tmp_path):
    half = {
        name: value.half() if value.is_floating_point() else value for name, value in published.state_dict().items()
    }
    torch.save(half, tmp_path / "w.bin")
    done = convert_checkpoint(tmp_path / "w.bin", tmp_path / "out.safetensors", gamma="tabulated")
    assert done.n_widened == done.n_weights
    assert f"{done.n_weights} widened to float32" in done.describe()
    with safe_open(done.path, framework="pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"F32"}  # noqa: SIM118
        assert stored.metadata()["gamma"] == "tabulated"
        assert stored.metadata()["weights_sha256"] == done.sha256
    path = tmp_path / "half.safetensors"
    save_file({name: value.clone() for name, value in half.items()}, path)
    for use in (lambda: check_weights(chosen(path), SMALL), lambda: load_model(chosen(path), SMALL, seed=0)):
        with pytest.raises(InputError, match=r"16, expected F32; convert the checkpoint anew: kedro convert-weights$"):
            use()


def test_convert_checkpoint__runs_no_code_and_replaces_nothing(folder, tmp_path):
    class Payload:
        def __reduce__(self):
            return print, ("opened",)

    torch.save({"stem.0.weight": Payload()}, tmp_path / "bad.bin")
    with pytest.raises(InputError, match=r"bad\.bin: no checkpoint of weights alone \(.*\); give a PyTorch state dict"):
        convert_checkpoint(tmp_path / "bad.bin", None, gamma="computed")
    (tmp_path / "text.bin").write_text("hello")
    with pytest.raises(InputError, match=r"text\.bin: no checkpoint of weights alone"):
        convert_checkpoint(tmp_path / "text.bin", None, gamma="computed")
    torch.save([1, 2], tmp_path / "list.bin")
    with pytest.raises(InputError, match=r"list\.bin: the checkpoint holds something else than named weights"):
        convert_checkpoint(tmp_path / "list.bin", None, gamma="computed")
    with pytest.raises(
        InputError, match=r"none\.bin: the checkpoint is missing; give a \.bin, or a folder that holds py"
    ):
        convert_checkpoint(tmp_path / "none.bin", None, gamma="computed")
    assert not list(tmp_path.glob("*.safetensors"))
    convert_checkpoint(folder, None, gamma="computed")
    with pytest.raises(
        InputError, match=r"model\.safetensors: the file is there already; give another --output, or --f"
    ):
        convert_checkpoint(folder, None, gamma="computed")
    convert_checkpoint(folder, None, gamma="tabulated", overwrite=True)
    assert sorted(p.name for p in folder.iterdir()) == ["model.safetensors", "pytorch_model.bin"]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (
            {"stem.0.weight": torch.zeros(2, dtype=torch.float64)},
            ":stem.0.weight: the weight is torch.float64, torch.strided; expected dense float32 or half precision; give "
            "a checkpoint of Enformer",
        ),
        (
            {"stem.0.weight": torch.zeros(2).to_sparse()},
            ":stem.0.weight: the weight is torch.float32, torch.sparse_coo; expected dense float32 or half precision; "
            "give a checkpoint of Enformer",
        ),
        (
            {"_heads.mouse.0.weight": torch.zeros(2)},
            ": the checkpoint holds no weight of the human model; give a checkpoint of Enformer",
        ),
        (
            {"state_dict": {"stem.0.weight": torch.zeros(2)}},
            ": the checkpoint holds something else than named weights; give a PyTorch state dict",
        ),
    ],
)
def test_convert_checkpoint__what_is_no_enformer(tmp_path, state, line):
    path = tmp_path / "w.bin"
    torch.save(state, path)
    with pytest.raises(InputError) as error:
        convert_checkpoint(path, None, gamma="tabulated")
    assert str(error.value) == f"{path}{line}"
    assert [p.name for p in tmp_path.iterdir()] == ["w.bin"]


def test_convert_checkpoint__never_over_its_source(folder, tmp_path):
    source = folder / "pytorch_model.bin"
    before = source.read_bytes()
    for output in (source, tmp_path):
        with pytest.raises(InputError) as error:
            convert_checkpoint(folder, output, gamma="computed", overwrite=True)
        assert str(error.value) == (
            f"{output}: not the name of a safetensors file; give an --output that ends in .safetensors"
        )
    assert source.read_bytes() == before


def test_convert_checkpoint__writes_the_whole_file_or_none(folder, tmp_path, monkeypatch):
    with pytest.raises(
        InputError, match=r"the weights cannot be written \(.*No such file.*\); give a folder with room"
    ):
        convert_checkpoint(folder, tmp_path / "nowhere" / "w.safetensors", gamma="computed")
    target = convert_checkpoint(folder, None, gamma="computed").path
    whole = target.read_bytes()
    assert target.stat().st_mode == (folder / "pytorch_model.bin").stat().st_mode, "others may read it too"

    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("haploformer.formats.files.os.fsync", no_room)
    with pytest.raises(
        InputError, match=r"written \(.*No space left.*\); give a folder with room for [\d,]{7,} bytes$"
    ):
        convert_checkpoint(folder, None, gamma="tabulated", overwrite=True)
    assert target.read_bytes() == whole
    assert sorted(p.name for p in folder.iterdir()) == ["model.safetensors", "pytorch_model.bin"]


def test_convert_checkpoint__reads_the_old_form_too(published, tmp_path):
    torch.save(published.state_dict(), tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    assert not zipfile.is_zipfile(tmp_path / "old.bin")
    done = convert_checkpoint(tmp_path / "old.bin", None, gamma="computed")
    assert load_model(chosen(done.path), SMALL, seed=0).sha256 == done.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(QUERY), f":{QUERY}: is missing, expected (256, 48) (1 weights differ); give weights of this"),
        (
            lambda s: s.update({QUERY: torch.zeros(2, 2)}),
            f":{QUERY}: has shape (2, 2), expected (256, 48) (1 weights differ); give weights of this geometry",
        ),
        (
            lambda s: s.update({"more": torch.zeros(3)}),
            ":more: has shape (3,), this model has no such weight (1 weights differ); give weights of this geometry",
        ),
    ],
)
def test_check_weights__reads_the_header_and_names_the_first_wrong_weight(tmp_path, change, message):
    state, path = canonical_state(untrained_module(SMALL, 3)), tmp_path / "w.safetensors"
    change(state)
    write_weights(state, path)
    with pytest.raises(InputError) as error:
        check_weights(chosen(path), SMALL)
    assert str(error.value).startswith(f"{path}{message}")
    with pytest.raises(InputError):
        load_model(chosen(path), SMALL, seed=0)


def test_check_weights__outputs_of_another_track_table(tmp_path):
    path = tmp_path / "w.safetensors"
    write_weights(canonical_state(untrained_module(SMALL, 3)), path)
    with pytest.raises(InputError) as error:
        check_weights(chosen(path), replace(SMALL, n_tracks=7))
    assert str(error.value) == (
        f"{path}:_heads.human.0.weight: has shape (5, 96), expected (7, 96) (2 weights differ); give the table of these "
        "weights' tracks, this one has 7"
    )


def test_check_weights__half_precision_in_either_listing_is_seen(published, tmp_path):
    state = {name: value.clone() for name, value in published.state_dict().items()}
    path = tmp_path / "w.safetensors"
    for name in ("stem.0.weight", "_trunk.1.0.weight"):
        save_file(state | {name: state[name].half()}, path)
        with pytest.raises(InputError) as error:
            check_weights(chosen(path), SMALL)
        assert str(error.value) == (
            f"{path}:{name}: the weight is F16, expected F32; convert the checkpoint anew: kedro convert-weights"
        )


def test_weights__what_the_file_says_of_its_position_features_is_checked(tmp_path):
    path = tmp_path / "w.safetensors"
    write_weights(canonical_state(untrained_module(SMALL, 3)), path, metadata={"gamma": "tabelled"})
    for use in (check_weights, lambda choice, geometry: load_model(choice, geometry, seed=0)):
        with pytest.raises(InputError) as error:
            use(chosen(path), SMALL)
        assert str(error.value) == (
            f"{path}:metadata: gamma is 'tabelled', expected tabulated or computed; convert the checkpoint anew, or set "
            "enformer.gamma"
        )
    assert load_model(chosen(path, gamma="computed"), SMALL, seed=0).geometry == SMALL


def test_check_weights__a_header_that_begins_like_a_pickle_is_none(tmp_path):
    """A safetensors file begins with the length of its header; 640 are the first two bytes of a pickle."""
    path = tmp_path / "w.safetensors"
    for n in range(0, 65_536, 8):
        save_file({"a": torch.zeros(1)}, path, metadata={"x": "y" * n})
        if path.read_bytes()[:2] == b"\x80\x02":
            break
    assert path.read_bytes()[:9] == b"\x80\x02" + bytes(6) + b"{"
    with pytest.raises(InputError, match=r"stem\.0\.weight: is missing"):
        check_weights(chosen(path), SMALL)


def test_write_weights__weights_that_share_memory(tmp_path):
    path, first = tmp_path / "w.safetensors", torch.arange(6.0).reshape(2, 3)
    write_weights({"a": first, "b": first.view(-1)}, path)
    with safe_open(path, framework="pt") as stored:
        assert torch.equal(stored.get_tensor("a"), first)
        assert torch.equal(stored.get_tensor("b"), first.view(-1))


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".ckpt", ".BIN"])
def test_weights__a_name_of_a_pickle_is_refused_whatever_is_in_it(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    write_weights(canonical_state(untrained_module(SMALL, 3)), path)
    with pytest.raises(InputError) as error:
        check_weights(chosen(path), SMALL)
    assert str(error.value) == (
        f"{path}: a checkpoint in Python's pickle format, which may run code when it is opened; convert it once: "
        f"kedro convert-weights {path}"
    )


@pytest.mark.parametrize("use", [check_weights, lambda choice, geometry: load_model(choice, geometry, seed=0)])
def test_weights__a_pickle_and_what_else_is_no_safetensors(folder, tmp_path, use):
    line = "a checkpoint in Python's pickle format, which may run code when it is opened; convert it once:"
    for place in (folder / "pytorch_model.bin", folder):
        with pytest.raises(InputError) as error:
            use(chosen(place), SMALL)
        assert (
            str(error.value)
            == f"{folder / 'pytorch_model.bin'}: {line} kedro convert-weights {folder / 'pytorch_model.bin'}"
        )
    path = tmp_path / "w.safetensors"
    for place, meant in ((path, path), (tmp_path, tmp_path / "model.safetensors")):
        with pytest.raises(InputError) as error:
            use(chosen(place), SMALL)
        assert str(error.value) == f"{meant}: the weights file is missing; check enformer.weights"
    for content in (b"hello", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(
            InputError, match=r"w\.safetensors: no safetensors file \(.*\); give weights as safetensors"
        ):
            use(chosen(path), SMALL)
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="no safetensors file"):
        use(chosen(path), SMALL)


def test_weights__official_ones_that_are_absent_say_how_to_get_them(tmp_path):
    folder = tmp_path / "enformer"
    full = PRESETS["full"]
    with pytest.raises(InputError) as error:
        check_weights(chosen("official", folder=folder), full)
    repository = "EleutherAI/enformer-official-rough"
    assert str(error.value) == (
        f"{folder}: the official weights are not there; fetch {repository} (1 GB, CC-BY-4.0), e.g. hf download "
        f"{repository} --local-dir {folder}, then: kedro convert-weights {folder}"
    )
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="convert it once: kedro convert-weights"):
        check_weights(chosen("official", folder=folder), full)


def test_load_model__position_features_are_those_that_the_weights_need(tmp_path):
    module = published_form(replace(LONG, tabulated_gamma=True), seed=4)
    torch.save(module.state_dict(), tmp_path / "pytorch_model.bin")
    convert_checkpoint(tmp_path, None, gamma="tabulated")
    x = one_hot(196_608)
    expected = forward(module, x)
    tabulated = load_model(chosen(tmp_path), LONG, seed=0)
    assert tabulated.geometry.position_features == "gamma tabulated"
    assert torch.equal(forward(tabulated.module, x), expected)
    official = load_model(chosen("official", folder=tmp_path), LONG, seed=0)
    assert official.weights == "official"
    assert official.geometry.tabulated_gamma
    computed = load_model(chosen(tmp_path, gamma="computed"), LONG, seed=0)
    assert computed.geometry.position_features == "gamma computed"
    assert computed.sha256 == tabulated.sha256
    difference = (forward(computed.module, x) - expected).abs().max()
    assert difference > 1e-3 * expected.std()
    assert not any(part.use_tf_gamma for part in computed.module.modules() if isinstance(part, Attention))


def test_load_model__the_table_is_for_one_length_only(folder, caplog):
    convert_checkpoint(folder, None, gamma="tabulated")
    assert load_model(chosen(folder), SMALL, seed=0).geometry.position_features == "gamma computed"
    told = "needs tabulated position features, which there are for 1536 tokens only: for 16 they are computed"
    assert caplog.messages == [f"model.safetensors {told}"]
    load_model(chosen(folder, gamma="computed"), SMALL, seed=0)
    assert len(caplog.messages) == 1, "asked for, hence not told"
    for use in (check_weights, lambda choice, geometry: load_model(choice, geometry, seed=0)):
        with pytest.raises(
            InputError, match="tabulated for 1,536 tokens and the published width only, this model has 16 tokens; leave"
        ):
            use(chosen(folder, gamma="tabulated"), SMALL)


def test_load_model__untrained_comes_from_the_seed():
    model = load_model(chosen("untrained"), SMALL, seed=3)
    assert model.sha256 == weights_sha256(canonical_state(untrained_module(SMALL, 3)))
    assert model.weights == "untrained"
    assert model.geometry == SMALL


@pytest.mark.slow
def test_convert_checkpoint__of_the_published_shapes(tmp_path):
    with torch.device("meta"):
        module = Enformer.from_hparams(
            dim=1_536, depth=11, heads=8, output_heads={"human": 5_313, "mouse": 1_643}, target_length=896
        )
    # One draw repeated: a quarter of a billion normal numbers would take longer than all else here.
    numbers = torch.randn(2**20, generator=torch.Generator().manual_seed(0)) * 0.02
    seen: dict[str, torch.Tensor] = {}
    state = {}
    names = {id(value): name for name, value in module.named_parameters()}
    for name, value in module.state_dict(keep_vars=True).items():
        own = names.get(id(value), name)
        if own not in seen:
            made = numbers.repeat(value.numel() // len(numbers) + 1)[: value.numel()].reshape(value.shape)
            seen[own] = made.abs() + 0.5 if "running_var" in name else made
            seen[own] = torch.zeros((), dtype=torch.long) if "num_batches" in name else seen[own]
        state[name] = seen[own]
    for listed, own in (("_trunk.1.", "stem."), ("_trunk.2.", "conv_tower."), ("_trunk.6.", "final_pointwise.")):
        state.update({name: state[own + name.removeprefix(listed)] for name in state if name.startswith(listed)})
    torch.save(state, tmp_path / "pytorch_model.bin")
    done = convert_checkpoint(tmp_path, None, gamma="tabulated")
    assert done.path.stat().st_size > 900e6
    choice = chosen("official", folder=tmp_path)
    check_weights(choice, PRESETS["full"])
    model = load_model(choice, PRESETS["full"], seed=0)
    assert (model.weights, model.sha256) == ("official", done.sha256)
    assert model.geometry.tabulated_gamma
    n_human = sum(parameter.numel() for parameter in model.module.parameters())
    assert 245e6 < n_human < 252e6
    short = load_model(choice, replace(PRESETS["full"], window=8_192, n_bins=32), seed=0)
    theirs = Enformer.from_hparams(
        dim=1_536, depth=11, heads=8, output_heads={"human": 5_313, "mouse": 1_643}, target_length=32
    )
    theirs.load_state_dict(state)
    x = one_hot(8_192)
    torch.testing.assert_close(forward(short.module, x), forward(theirs.eval(), x), rtol=1e-6, atol=1e-6)
