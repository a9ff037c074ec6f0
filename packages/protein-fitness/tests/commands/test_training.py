import json

import numpy as np
import pytest
from biotite.sequence import ProteinSequence

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.commands.training import train
from protein_fitness.model.s3f import S3FModel

NAMES = [ProteinSequence.convert_letter_1to3(letter) for letter in AMINO_ACIDS]


@pytest.fixture(scope="module")
def folder(gb1_file, tmp_path_factory):
    """Thirty files of unrelated sequences on protein G's backbone, run twice so that they are long enough."""
    atoms = [line for line in gb1_file.read_text().splitlines() if line.startswith("ATOM")]
    backbone = [line for line in atoms if line[12:16].strip() in ("N", "CA", "C")]
    made = tmp_path_factory.mktemp("structures")
    for number in range(30):
        letters = np.random.default_rng(number).integers(len(AMINO_ACIDS), size=113)
        lines = []
        for copy in (0, 1):
            for line in backbone:
                residue = int(line[22:26]) + 56 * copy
                x = float(line[30:38]) + 40 * copy
                lines.append(f"{line[:17]}{NAMES[letters[residue]]} A{residue:4d}    {x:8.3f}{line[38:]}\n")
        (made / f"{number:02d}.pdb").write_text("".join(lines))
    return made


def test_a_network_is_trained_from_files_and_goes_on(folder, tmp_path, capsys):
    out = tmp_path / "run"
    asked = {"structures": str(folder), "out": str(out), "width": 16, "batch_residues": 1500, "json": True}

    train(**asked, steps=1)

    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((out / "metrics.json").read_text())
    split = json.loads((out / "split.json").read_text())
    assert [len(split[part]) for part in ("train", "validation", "test")] == [28, 1, 1]
    assert told["test_residues"] == 112 * 15 // 100
    assert 2 < told["test_nll"] < 5
    assert 2.5 < told["test_background_nll"] < 3.5
    assert S3FModel.from_pretrained(out / "model").config.encoder_id == "letters"

    with pytest.raises(ValueError, match="run holds a training; set `resume` to go on with it, or give another folder"):
        train(**asked, steps=2)
    with pytest.raises(ValueError, match="has width=16 and 32 is asked for; resume with the same options"):
        train(**{**asked, "width": 32}, steps=2, resume=True)
    train(**asked, steps=2, resume=True)
    state = json.loads((out / "checkpoints" / "checkpoint-2" / "trainer_state.json").read_text())
    assert [row["step"] for row in state["log_history"] if "loss" in row] == [1, 2]
    again = json.loads(capsys.readouterr().out)
    # Of the two checkpoints the one that is better on validation is reported.
    assert again["validation_nll"] <= told["validation_nll"] + 1e-9


def test_profiles_need_a_database(folder, tmp_path):
    with pytest.raises(ValueError, match="has no frequencies among homologues; train on ProMod3's database, or by"):
        train(structures=str(folder), out=str(tmp_path / "run"), features="profile", steps=1, width=16)
