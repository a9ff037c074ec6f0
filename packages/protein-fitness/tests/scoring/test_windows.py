"""A window holds all sites, in its middle as far as the protein's ends allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.protein import make_protein
from protein_fitness.scoring.windows import cut, window_about


@given(data=st.data(), length=st.integers(1, 80), longest=st.integers(1, 90))
def test_it_is_as_long_as_it_may_be_and_centred(data, length, longest):
    size = min(length, longest)
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, min(first + size, length) - 1))
    middle = data.draw(st.integers(first, last))
    window = window_about((first, middle, last), length, longest)
    assert len(window) == size
    assert window.start >= 0
    assert window.stop <= length
    assert first in window
    assert last in window
    before, after = first - window.start, window.stop - 1 - last
    if before - after > 1:
        assert window.stop == length
    if after - before > 1:
        assert window.start == 0


def test_without_a_limit_it_is_the_whole_protein():
    assert window_about((3, 2000), 3000, None) == range(3000)


def test_the_paper_s_length_about_one_site():
    assert window_about((1500,), 3000, 1022) == range(989, 2011)


def test_sites_too_far_apart_are_refused_with_what_to_do():
    assert window_about((4, 23), 100, 20) == range(4, 24)
    with pytest.raises(
        ValueError, match='sites 5 and 25 of one mutant lie 20 residues apart and 20 are .* "mask-singl'
    ):
        window_about((4, 24), 100, 20)


def test_sequence_and_profile_are_cut_alike():
    profile = np.arange(200.0).reshape(10, 20)
    part = cut(make_protein("ACDEFGHIKL", profile=profile), range(3, 6))
    assert part.sequence == "EFG"
    assert np.array_equal(part.profile, profile[3:6])
