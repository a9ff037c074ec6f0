import json

from protein_fitness import __version__
from protein_fitness.provenance import write_beside
from protein_fitness.scorers.geometry import Accessibility


def test_what_made_scores_is_told_beside_them(gb1, tmp_path):
    write_beside(tmp_path / "scan.csv", gb1, Accessibility(), offset=3)

    assert json.loads((tmp_path / "scan.json").read_text()) == {
        "version": __version__,
        "scorer": "accessibility",
        "sequence": gb1.sequence,
        "structure": "1pga.pdb",
        "structure_sha256": gb1.structure.digest,
        "offset": 3,
        "notes": list(gb1.notes),
    }
