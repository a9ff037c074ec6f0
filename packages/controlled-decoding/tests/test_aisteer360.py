import json

import pytest
import torch
from safetensors.torch import save_file

from controlled_decoding.aisteer360 import convert_aisteer360
from controlled_decoding.fit import calibrate_subspace
from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.labelled_text import LabelledTexts
from controlled_decoding.subspace import SubspaceClassifier

WIDTH = 32


@pytest.fixture
def direction():
    values = torch.randn(WIDTH, generator=torch.Generator().manual_seed(0))
    return values / values.norm()


@pytest.fixture
def midpoint():
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def states():
    return torch.randn(10, WIDTH, generator=torch.Generator().manual_seed(2))


def write_json(path, direction, midpoint):
    path.write_text(json.dumps({"direction": direction.tolist(), "midpoint": midpoint.tolist()}), encoding="utf-8")
    return path


def write_folder(path, weight, bias=0.0, layer=2, **changes):
    path.mkdir()
    save_file({f"weights.{layer}": weight}, path / "probe.safetensors")
    config = {
        "format_version": 1,
        "polarity": "positives_high",
        "model_type": "llama",
        "location": "layer_output",
        "pooling": "last",
        "layer_ids": [layer],
        "weight_layer_ids": [layer],
        "bias": bias,
        "meta": {},
    }
    (path / "probe.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")
    return path


def test_torch_file_of_the_first_release_reads_states_after_the_norm(tmp_path, model, direction, midpoint, states):
    torch.save({"wv": direction, "mu_mu": midpoint}, tmp_path / "steer_wv.pt")
    subspace = convert_aisteer360(tmp_path / "steer_wv.pt", model, attribute="rudeness")
    assert (subspace.attribute, subspace.site) == ("rudeness", HiddenSite(3, True))
    torch.testing.assert_close(subspace.margins(states), ((states - midpoint) * direction).sum(-1))
    torch.testing.assert_close(subspace.log_odds(states), subspace.margins(states))
    assert (subspace.model, subspace.tokenizer, subspace.report) == (None, None, None)
    assert subspace.provenance["calibration"] == "uncalibrated"


def test_probe_file_reads_the_raw_last_block_unless_told_otherwise(tmp_path, model, direction, midpoint, states):
    path = write_json(tmp_path / "toxic.probe", direction, midpoint)
    subspace = convert_aisteer360(path, model)
    assert subspace.site == HiddenSite(3, False)
    assert convert_aisteer360(path, model, normed=True).site == HiddenSite(3, True)
    torch.testing.assert_close(subspace.margins(states), ((states - midpoint) * direction).sum(-1))


@pytest.mark.parametrize(
    ("location", "layer", "blocks"), [("layer_output", 2, 3), ("layer_output", 0, 1), ("layer_input", 1, 1)]
)
def test_probe_folder_reads_the_layer_that_it_names(location, layer, blocks, tmp_path, model, direction, states):
    """Its score ``w.h + bias`` is the margin times the length of w."""
    path = write_folder(tmp_path / "probe", 2.5 * direction, bias=-0.8, layer=layer, location=location)
    subspace = convert_aisteer360(path, model)
    assert subspace.site == HiddenSite(blocks, False)
    torch.testing.assert_close(2.5 * subspace.margins(states), states @ (2.5 * direction) - 0.8)


def test_converted_subspace_is_saved_and_calibrated_like_any_other(tmp_path, model, tokenizer, direction, midpoint):
    subspace = convert_aisteer360(write_json(tmp_path / "toxic.probe", direction, midpoint), model)
    again = SubspaceClassifier.from_pretrained(subspace.save_pretrained(tmp_path / "subspace"))
    assert torch.equal(again.weight, subspace.weight)
    texts = [f"{word} number {n}" for n in range(10) for word in ("roses", "foxes")]
    data = LabelledTexts(texts=texts, labels=[n % 2 for n in range(20)])
    assert calibrate_subspace(again, model, tokenizer, data).slope != 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pooling": "mean"}, "its pooling is 'mean', not 'last'"),
        ({"polarity": "negatives_high"}, "its polarity is 'negatives_high'"),
        ({"format_version": 2}, "its format_version is 2, not 1"),
        ({"layer_ids": [1, 2]}, r"it reads the layers \[1, 2\], a subspace reads one"),
        ({"location": "attention"}, "its location is 'attention', known are"),
        ({"layer_ids": [0], "location": "layer_input"}, "it reads the token embeddings"),
        ({"layer_ids": [1]}, "does not hold a probe that can be a subspace: KeyError"),
        ({"bias": "much"}, "does not hold a probe that can be a subspace: could not convert"),
        ({"layer": 9}, r"`layer` must be in \[1, 3\]"),
    ],
)
def test_folders_that_cannot_be_a_subspace_are_refused(change, message, tmp_path, model, direction):
    path = write_folder(tmp_path / "probe", direction, **change)
    with pytest.raises(ValueError, match=message):
        convert_aisteer360(path, model)


@pytest.mark.parametrize("name", ["steer_wv.pt", "toxic.probe"])
def test_corrupt_and_foreign_files_get_one_sentence(name, tmp_path, model):
    path = tmp_path / name
    for content in (
        b"",
        b"no probe",
        b"\x80\x04K\x01.",
        b'{"direction": [1.0]}',
        b'{"direction": "x", "midpoint": []}',
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is not an AISteer360 probe") as caught:
            convert_aisteer360(path, model)
        assert "\n" not in str(caught.value)
    torch.save(torch.zeros(3), tmp_path / "other.pt")
    with pytest.raises(ValueError, match="is not an AISteer360 probe"):
        convert_aisteer360(tmp_path / "other.pt", model)


def test_pickled_objects_are_not_run(tmp_path, model):
    class Payload:
        def __reduce__(self):
            return (pytest.fail, ("code of the file was run",))

    torch.save({"wv": Payload(), "mu_mu": 0}, tmp_path / "evil.pt")
    with pytest.raises(ValueError, match="save a pickled probe object as .probe"):
        convert_aisteer360(tmp_path / "evil.pt", model)


def test_values_that_make_no_hyperplane_are_refused(tmp_path, model, direction, midpoint):
    path = tmp_path / "toxic.probe"
    with pytest.raises(ValueError, match="the probe has width 16 and the model 32"):
        convert_aisteer360(write_json(path, direction[:16], midpoint[:16]), model)
    with pytest.raises(ValueError, match=r"have shapes \(32,\) and \(16,\)"):
        convert_aisteer360(write_json(path, direction, midpoint[:16]), model)
    with pytest.raises(ValueError, match="the direction is zero, or it or the midpoint holds NaN"):
        convert_aisteer360(write_json(path, 0 * direction, midpoint), model)
    with pytest.raises(ValueError, match="holds NaN"):
        convert_aisteer360(write_json(path, direction * float("nan"), midpoint), model)


def test_missing_files_are_named_in_full(tmp_path, model):
    with pytest.raises(FileNotFoundError, match="no probe at /.*absent.probe"):
        convert_aisteer360(tmp_path / "absent.probe", model)
    with pytest.raises(FileNotFoundError, match="probe.json and probe.safetensors missing"):
        convert_aisteer360(tmp_path, model)
    with pytest.raises(ValueError, match="leave out `normed`"):
        convert_aisteer360(tmp_path, model, normed=True)
