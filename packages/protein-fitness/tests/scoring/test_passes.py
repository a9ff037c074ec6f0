import pytest

from protein_fitness.scoring.passes import chosen_mode, passes_of

SETS = [(90,), (3, 7), (3,), (7, 95)]


def told(passes):
    return [(one.masked, one.read) for one in passes]


def test_joint_masks_take_a_pass_a_set_and_single_ones_a_pass_a_site():
    assert sorted(told(passes_of("mask-joint", SETS, 100, None))) == sorted((one, one) for one in SETS)
    assert told(passes_of("mask-single", SETS, 100, None)) == [((site,),) * 2 for site in (3, 7, 90, 95)]


def test_without_masks_one_pass_is_enough():
    (one,) = passes_of("wt", SETS, 100, None)
    assert (one.window, one.masked, one.read) == (range(100), (), (3, 7, 90, 95))
    assert passes_of("wt", SETS, 100, 100) == [one]


@pytest.mark.parametrize("longest", [1, 2, 7, 20, 99])
def test_a_long_protein_is_read_without_masks_far_from_the_ends_of_windows(longest):
    passes = passes_of("wt", [(site,) for site in range(100)], 100, longest)
    assert sorted(site for one in passes for site in one.read) == list(range(100))
    for one in passes:
        assert len(one.window) == longest
        assert one.masked == ()
        for site in one.read:
            assert site in one.window
            assert one.window.start == 0 or site - one.window.start >= longest // 4
            assert one.window.stop == 100 or one.window.stop - 1 - site >= longest // 4
    assert len(passes) <= 100 // max(1, longest // 2) + 1


def test_passes_of_one_window_stand_side_by_side():
    passes = passes_of("mask-joint", [(90,), (3,), (50,), (91, 92), (4,)], 100, 20)
    starts = [one.window.start for one in passes]
    assert starts == sorted(starts)
    assert all(set(one.masked) <= set(one.window) for one in passes)


def test_auto_masks_nothing_when_there_are_too_many_sets():
    assert chosen_mode("auto", 50_000) == "mask-joint"
    assert chosen_mode("auto", 50_001) == "wt"
    assert chosen_mode("mask-single", 50_001) == "mask-single"


def test_another_mode_is_refused():
    with pytest.raises(ValueError, match="`mode` must be auto, mask-joint, mask-single, wt, got 'masked-marginals'"):
        chosen_mode("masked-marginals", 1)
