import json

import pytest
from safetensors.torch import load_file, save_file

from protein_fitness.scoring.loading import load_network


def test_a_whole_network_is_loaded(shipped_network):
    network = load_network(shipped_network)

    saved = load_file(shipped_network / "model.safetensors")
    assert all((network.state_dict()[name] == weight).all() for name, weight in saved.items())
    assert len(saved) == len(network.state_dict())


def test_a_file_that_is_cut_off_is_named(shipped_network):
    file = shipped_network / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(ValueError, match=r"model.safetensors cannot be read \(.*\); fetch or save it again"):
        load_network(shipped_network)


def test_weights_that_would_be_random_are_refused(shipped_network):
    file = shipped_network / "model.safetensors"
    weights = load_file(file)
    (first, *_) = sorted(weights)
    save_file({name: weights[name] for name in weights if name != first}, file, metadata={"format": "pt"})

    with pytest.raises(ValueError, match=rf"lacks {first} \(1 such weights\), which would be random; fetch or save"):
        load_network(shipped_network)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(name, shipped_network):
    (shipped_network / name).unlink()

    with pytest.raises(ValueError, match=f"has no {name}; give a folder that `save_pretrained` wrote"):
        load_network(shipped_network)


def test_the_config_tells_the_encoder(shipped_network):
    told = json.loads((shipped_network / "config.json").read_text())

    assert (told["encoder_id"], told["encoder_width"]) == ("profile", 41)
