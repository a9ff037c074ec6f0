"""Settings out of their range are refused where they are given."""

import pytest

from protein_fitness.surface.settings import SurfaceSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"surface_pooling": "nearest"}, "`surface_pooling` must be one of local, global, got 'nearest'."),
        ({"surface_settings": {"resolution": 0}}, "`resolution` of a surface must be above 0, got 0."),
        (
            {"surface_settings": {"colour": 1}},
            "`surface_settings` has no 'colour'; it has points_per_atom, resolution, ",
        ),
        ({"num_layers": 0}, "`num_layers` must be at least 1, got 0."),
        ({"edge_vectors": 0}, "`edge_vectors` must be at least 1, got 0."),
        ({"points_read_per_atom": -1}, "`points_read_per_atom` must be at least 1, got -1."),
        ({"head_dropout": 1}, "`head_dropout` must be at least 0 and below 1, got 1."),
        ({"radius": 0}, "`radius` must be above 0 Å, got 0."),
        ({"rbf_max": float("nan")}, "`rbf_max` must be above 0 Å, got nan."),
        ({"plddt_threshold": 101}, "`plddt_threshold` must be 0 to 100, got 101."),
        ({"format_version": 2}, "`format_version` is 2, and this version of protein-fitness reads 1; install"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(small_config, settings, message):
    with pytest.raises(ValueError, match=message):
        small_config(**settings)


def test_a_config_comes_back_from_its_file_as_it_was(small_config, tmp_path):
    config = small_config(
        surface_pooling="global", radius=8, encoder_id="some/model", surface_settings={"resolution": 2}
    )
    assert SurfaceSettings(**config.surface_settings) == SurfaceSettings(resolution=2)
    config.save_pretrained(tmp_path)
    assert type(config).from_pretrained(tmp_path).to_dict() == config.to_dict()
    assert (config.nodes, config.edges) == ((10, 4), (6, 1))
