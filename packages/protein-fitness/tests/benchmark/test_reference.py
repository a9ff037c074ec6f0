import pytest

from protein_fitness.benchmark.reference import COLUMNS, chosen, read_reference


def test_what_belongs_to_an_assay_is_read(gym, gb1):
    first, _, last = read_reference(gym / "reference.csv")

    assert (first.name, first.protein, first.sequence) == ("GB1_stable", "SPG1", gb1.sequence)
    assert (first.structures, first.alignment, first.aligned) == (("gb1.pdb",), "gb1.a2m", (10, 50))
    assert first.identity == pytest.approx(0.8)
    assert first.msa_depth == "Medium", "ProteinGym writes it in both cases"
    assert (last.alignment, last.aligned) == ("", (1, 30))


def test_structures_in_pieces_are_told_apart(gym):
    file = gym / "reference.csv"
    file.write_text(file.read_text().replace("lost.pdb", "one.pdb|two.pdb"))

    assert read_reference(file)[2].structures == ("one.pdb", "two.pdb")


def test_assays_are_chosen_by_name(gym):
    assays = read_reference(gym / "reference.csv")

    assert [assay.name for assay in chosen(assays, ["LOST"])] == ["LOST"]
    assert chosen(assays, None) == assays
    with pytest.raises(ValueError, match="no assay 'GB2'; names are those of its column DMS_id"):
        chosen(assays, ["GB2"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("MSA_theta", "theta", "has no column MSA_theta; give ProteinGym's reference file"),
        ("LOST,LOST.csv", ",LOST.csv", "reference.csv, line 4: DMS_id is empty"),
        (",7,", ",seven,", "line 4: LOST cannot be read: invalid literal for int.. with base 10: 'seven'"),
        ("MTYK", "MT?K", "line 2: GB1_stable cannot be read: sequence has '.' at position 3"),
        ("GB1_binding,", "GB1_stable,", "has GB1_stable more than once; leave one row"),
    ],
)
def test_a_wrong_reference_file_is_said(gym, old, new, said):
    file = gym / "reference.csv"
    file.write_text(file.read_text().replace(old, new, 1))

    with pytest.raises(ValueError, match=said):
        read_reference(file)


def test_a_missing_reference_file_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*none.csv; give ProteinGym's"):
        read_reference(tmp_path / "none.csv")


def test_every_column_is_one_that_proteingym_has():
    assert "raw_mut_offset" not in COLUMNS, "processed tables are numbered along the sequence"
