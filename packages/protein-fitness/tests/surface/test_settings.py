import pytest

from protein_fitness.surface.settings import SurfaceSettings


@pytest.mark.parametrize("name", ["points_per_atom", "resolution", "nearest", "most_eigenpairs"])
def test_settings_are_positive(name):
    with pytest.raises(ValueError, match=f"`{name}` of a surface must be above 0, got 0"):
        SurfaceSettings(**{name: 0})
