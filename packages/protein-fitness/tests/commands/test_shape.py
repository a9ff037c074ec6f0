import json

from protein_fitness.cli import main
from protein_fitness.surface.surface import Surface


def test_a_surface_is_written_for_us_and_for_viewers(gb1_file, tmp_path, capsys):
    out, ply = tmp_path / "gb1.npz", tmp_path / "gb1.ply"

    assert main(["surface", f"--structure={gb1_file}", f"--out={out}", f"--ply={ply}", "--json=true"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["residues"] == 56
    assert len(Surface.load(out)) == told["points"] > 1000
    assert ply.read_bytes().startswith(b"ply\nformat binary_little_endian 1.0\n")


def test_another_curvature_is_refused(gb1_file, tmp_path, capsys):
    assert main(["surface", f"--structure={gb1_file}", f"--out={tmp_path / 'x.npz'}", "--curvature=mean"]) == 2
    assert "`curvature` of a surface must be 'shape_operator' or 'legacy', got 'mean'" in capsys.readouterr().err


def test_a_missing_file_leaves_nothing(tmp_path, capsys):
    assert main(["surface", f"--structure={tmp_path / 'none.pdb'}", f"--out={tmp_path / 'x.npz'}"]) == 2
    assert "none.pdb" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
