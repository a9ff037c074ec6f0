import sys

import numpy as np
import pytest

from protein_fitness.report.picture import write_png


def test_the_picture_has_a_cell_of_the_right_colour_for_the_best_mutant(matrix, tmp_path):
    import matplotlib.image
    from matplotlib import colormaps

    pixels = matplotlib.image.imread(write_png(matrix, tmp_path / "map.png"))[:, :, :3]

    for value in (0.0, 1.0):  # the least and the greatest score
        wanted = np.array(colormaps["viridis"](value)[:3])
        left = pixels[:, : int(0.9 * pixels.shape[1])]  # without the colour bar
        assert (np.abs(left - wanted).max(-1) < 0.01).sum() > 100
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


def test_without_matplotlib_the_pip_line_is_said(matrix, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(ImportError, match=r'pip install "protein-fitness\[png\]"'):
        write_png(matrix, tmp_path / "map.png")
