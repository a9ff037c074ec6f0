"""A memory's policies, history and messages."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from memory_llm.larimar import memory_file
from memory_llm.larimar.addressing import KeySpace
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.memory_config import CapacityWarning, MemoryConfig
from memory_llm.larimar.memory_file import MEMORY_FILE

WIDTH = 12


def memory(*, encoder=None, **settings):
    fields = {"key_width": WIDTH, "value_width": 5, "num_slots": 8, **settings}
    return EpisodicMemory(MemoryConfig(**fields), encoder=encoder)


def facts(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, WIDTH, generator=generator), torch.randn(count, 5, generator=generator)


def filled(count=4, **settings):
    keys, values = facts(count)
    full = memory(**settings)
    full.write(keys, values, [f"f{row}" for row in range(count)], [f"text {row}" for row in range(count)])
    return full, keys, values


NEARLY_FULL = pytest.mark.filterwarnings("ignore::memory_llm.larimar.memory_config.CapacityWarning")
ADDRESSINGS = pytest.mark.parametrize("addressing", ["slot", "pinv"])


@ADDRESSINGS
def test_reading_keeps_format_and_an_empty_memory_reads_zero(addressing):
    full, keys, values = filled(addressing=addressing)
    assert full.read(keys.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(full.read(keys), values, rtol=1e-3, atol=1e-3)
    assert torch.count_nonzero(memory(addressing=addressing).read(keys)) == 0


@ADDRESSINGS
def test_update_changes_one_fact_and_undo_brings_it_back(addressing):
    full, keys, values = filled(addressing=addressing)
    before = full.read(keys)
    receipt = full.update("f1", values[3], text="other")
    assert receipt.replaced == ("f1",)
    assert full.text("f1") == "other"
    torch.testing.assert_close(full.read(keys)[1], values[3], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(full.read(keys)[2], before[2], rtol=1e-3, atol=1e-3)
    assert full.undo() == ("f1",)
    torch.testing.assert_close(full.read(keys), before)
    assert full.text("f1") == "text 1"


@ADDRESSINGS
def test_undo_walks_back_through_everything(addressing):
    full, keys, values = filled(addressing=addressing)
    full.forget(["f0"], final=False)
    full.write(*facts(2, seed=1), ["g0", "g1"])
    assert full.undo() == ("g0", "g1")
    assert full.undo() == ("f0",)
    torch.testing.assert_close(full.read(keys), values, rtol=1e-3, atol=1e-3)
    assert len(full.undo()) == 4
    assert len(full) == 0
    with pytest.raises(ValueError, match="nothing to undo"):
        full.undo()


@ADDRESSINGS
def test_final_forgetting_leaves_no_trace_in_history_or_file(addressing, tmp_path):
    full, _, values = filled(addressing=addressing)
    full.update("f2", values[0])
    full.forget(["f2"])
    with pytest.raises(ValueError, match="nothing to undo"):
        full.undo()
    path = full.save_pretrained(tmp_path)
    raw = path.read_bytes()
    assert b"text 2" not in raw
    assert b"text 1" in raw
    assert values[2].numpy().tobytes() not in raw
    assert values[2].double().numpy().tobytes() not in raw


def test_an_id_named_twice_is_forgotten_once():
    full, _, _ = filled()
    assert full.forget(["f1", "f1"]).ids == ("f1",)
    assert full.ids == ("f0", "f2", "f3")


@ADDRESSINGS
def test_same_key_with_another_value_follows_the_policy(addressing):
    keys, values = facts(2)
    for policy, expected in (("error", None), ("update", values[1]), ("add", values.mean(0))):
        full = memory(addressing=addressing, on_conflict=policy)
        full.write(keys[:1], values[:1], ["old"])
        if expected is None:
            with pytest.raises(ValueError, match="fact 'new' has the key of 'old'; `update` or forget"):
                full.write(keys[:1], values[1:], ["new"])
            assert full.ids == ("old",)
        else:
            receipt = full.write(keys[:1], values[1:], ["new"])
            assert receipt.replaced == (("old",) if policy == "update" else ())
        if policy == "update":
            torch.testing.assert_close(full.read(keys[:1])[0], values[1], rtol=1e-4, atol=1e-4)
            full.undo()
            assert full.ids == ("old",)
    if addressing == "pinv":  # two slots of the same key cannot average
        torch.testing.assert_close(full.read(keys[:1])[0], values.mean(0), rtol=1e-4, atol=1e-4)


def test_two_new_facts_with_one_key_are_refused():
    keys, values = facts(2)
    with pytest.raises(ValueError, match="facts 'a' and 'b' have the same key"):
        memory().write(keys[[0, 0]], values, ["a", "b"])


def test_full_slot_memory_refuses_or_grows():
    full, keys, values = filled(8)
    with pytest.raises(ValueError, match="memory full: 8 of 8 slots are used and 2 more are wanted"):
        full.write(*facts(2, seed=1))
    assert len(full) == 8
    grown, keys, values = filled(8, on_overflow="grow")
    more_keys, more_values = facts(5, seed=1)
    assert grown.write(more_keys, more_values).num_slots == 16
    torch.testing.assert_close(grown.read(torch.cat([keys, more_keys])), torch.cat([values, more_values]))


@NEARLY_FULL
def test_growing_least_squares_writes_all_facts_anew(tmp_path):
    grown, keys, values = filled(8, on_overflow="grow", addressing="pinv")
    more_keys, more_values = facts(3, seed=1)
    grown.write(more_keys, more_values)
    joint = memory(num_slots=16, addressing="pinv")
    joint.write(torch.cat([keys, more_keys]), torch.cat([values, more_values]))
    torch.testing.assert_close(grown.matrix(), joint.matrix())
    grown.save_pretrained(tmp_path)
    assert torch.equal(EpisodicMemory.from_pretrained(tmp_path).matrix(), grown.matrix())


@NEARLY_FULL
def test_spilled_facts_are_recalled_beside_the_others_and_saved(tmp_path):
    full, keys, values = filled(8, on_overflow="spill", addressing="pinv", num_slots=8)
    more_keys, more_values = facts(10, seed=1)
    full.write(more_keys, more_values, [f"g{row}" for row in range(10)])
    assert full.capacity().spilled == 10
    torch.testing.assert_close(full.read(more_keys), more_values)
    torch.testing.assert_close(full.read(keys), values, rtol=0.02, atol=0.02)
    full.save_pretrained(tmp_path)
    loaded = EpisodicMemory.from_pretrained(tmp_path)
    loaded.forget(["g3"])
    assert loaded.capacity().spilled == 9
    torch.testing.assert_close(loaded.read(more_keys[4:]), more_values[4:])
    assert loaded.nearest(more_keys[4:5])[0][0][0] == "g4"


def test_least_squares_warn_when_full_and_when_nearly_full():
    full, _, _ = filled(7, addressing="pinv", on_overflow="warn")
    with pytest.warns(CapacityWarning, match="8 facts near the 8 that keys and slots can tell apart"):
        full.write(*facts(1, seed=1))
    with pytest.warns(CapacityWarning, match="9 facts in 8 slots"):
        full.write(*facts(1, seed=2))


def test_log_levels_keep_what_they_say():
    keys, values = facts(3)
    for log, text in (("full", "text 1"), ("keys", None), ("none", None)):
        full, _, _ = filled(3, addressing="pinv", log=log)
        if log == "full":
            assert full.text("f1") == text
            continue
        assert full.text("f1") != "text 1"
        with pytest.raises(ValueError, match=rf"log='{log}'\) keeps no content of fact 'f1'; give its content"):
            full.forget(["f1"])
        with pytest.raises(ValueError, match="is not what the memory"):
            full.forget_content("f1", keys[1], values[0])
        assert len(full) == 3
        full.forget_content("f1", keys[1], values[1])
        rest = memory(addressing="pinv")
        rest.write(keys[[0, 2]], values[[0, 2]])
        torch.testing.assert_close(full.matrix(), rest.matrix())
    with pytest.raises(ValueError, match="keeps no keys"):
        full.nearest(keys)


def test_hashes_of_texts_survive_undo_and_merging():
    full, _, values = filled(log="keys")
    text = full.text("f1")
    full.update("f1", values[3], text="other")
    full.undo()
    joined = memory(log="keys")
    joined.merge(full)
    assert full.text("f1") == joined.text("f1") == text


def test_nearest_names_facts_with_cosines():
    full, keys, _ = filled()
    (first, second), *_ = full.nearest(keys[2:3], count=2)
    assert first == ("f2", pytest.approx(1.0))
    assert second[1] < 1.0
    assert memory().nearest(keys[:1]) == [[]]


def test_residuals_and_capacity_describe_the_memory():
    full, _, _ = filled(addressing="pinv")
    assert set(full.residuals()) == {"f0", "f1", "f2", "f3"}
    assert max(full.residuals().values()) < 1e-4
    capacity = full.capacity()
    assert (capacity.used, capacity.num_slots, capacity.rank, capacity.key_rank) == (4, 8, 4, 8)
    assert capacity.condition > 1
    assert filled()[0].capacity().condition == 1


def test_noise_moves_a_read_and_follows_its_generator():
    full, keys, _ = filled(addressing="pinv")
    first, again = (full.read(keys, noise=0.1, generator=torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, full.read(keys), atol=1e-3)
    assert full.generate(3, generator=torch.Generator().manual_seed(0)).shape == (3, 5)


def test_clones_and_resets_are_independent():
    full, keys, values = filled()
    copy = full.clone()
    copy.forget(["f0"])
    assert len(full) == 4
    full.reset()
    assert (len(full), len(copy)) == (0, 3)
    full.write(keys, values)
    torch.testing.assert_close(full.read(keys), values)


def test_merge_counts_common_facts_once_and_refuses_contradictions():
    left, keys, values = filled(addressing="pinv")
    right = memory(addressing="pinv")
    right.write(keys[3:], values[3:], ["f3"])
    right.write(*facts(2, seed=1), ["g0", "g1"])
    expected = memory(addressing="pinv")
    expected.write(keys, values)
    expected.write(*facts(2, seed=1))
    left.merge(right)
    assert left.ids == ("f0", "f1", "f2", "f3", "g0", "g1")
    torch.testing.assert_close(left.matrix(), expected.matrix())
    right.update("f3", values[0])
    assert left.diff(right).changed == ("f3",)
    with pytest.raises(ValueError, match="both memories have a fact 'f3' with different content"):
        left.merge(right)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"num_slots": 9}, "different references"),
        ({"seed": 1}, "different references"),
        ({"addressing": "slot"}, "cannot be merged"),
        ({"encoder": "b"}, "encoders a and b"),
    ],
)
def test_memories_that_do_not_fit_are_not_merged(other, message):
    settings = {"addressing": "pinv", "encoder": "a", **other}
    with pytest.raises(ValueError, match=message):
        memory(addressing="pinv", encoder="a").merge(memory(**settings))


def test_bad_facts_are_refused_and_nothing_is_written():
    full, _, values = filled()
    nan = values.clone()
    nan[1, 2] = float("nan")
    new = torch.randn(4, WIDTH)
    for arguments, message in [
        ((new, nan, list("abcd")), "`values` holds NaN or infinity in row 1"),
        ((new * float("inf"), values, list("abcd")), "`keys` holds NaN or infinity in row 0"),
        ((new, values, ["a", "b", "c", "f0"]), "the id 'f0' is taken"),
        ((new, values, ["a", "b", "c", "a"]), "the id 'a' is taken"),
        ((new, values, ["a"]), "`ids` must name each of the 4 facts, got 1"),
        ((new[:, :3], values, list("abcd")), r"`keys` and `values` must have shapes \[n, 12\] and \[n, 5\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            full.write(*arguments)
        assert full.ids == ("f0", "f1", "f2", "f3")
    with pytest.raises(ValueError, match="no fact has the id 'f9'; the memory holds 4 facts"):
        full.forget(["f0", "f9"])
    assert len(full) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_slots": 0}, "`num_slots` must be at least 1, got 0"),
        ({"ridge": -1.0}, "`ridge` must be 'auto' or a finite number from 0, got -1.0"),
        ({"gaussian_alpha": 0.0}, "`gaussian_alpha` must be positive, got 0.0"),
        ({"addressing": "auto"}, "`key_width` 12 must equal `value_width` 5"),
        ({"ridge": 0.0, "log": "keys"}, "`ridge=0` solves from the logged facts"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        memory(**settings)


def test_unknown_choice_is_named_with_what_there_is():
    unchecked = object.__new__(MemoryConfig)  # the tests' type checker would be faster than ours
    for name, value in vars(memory().config).items():
        object.__setattr__(unchecked, name, value)
    object.__setattr__(unchecked, "addressing", "nearest")
    with pytest.raises(ValueError, match="`addressing` must be one of slot, gaussian, pinv, auto, got 'nearest'"):
        unchecked.__post_init__()


def test_references_must_fit():
    config = MemoryConfig(key_width=WIDTH, value_width=5, num_slots=8, addressing="pinv")
    with pytest.raises(ValueError, match=r"`references` must have shape \(8, 12\)"):
        EpisodicMemory(config, references=torch.zeros(3, WIDTH))
    slot = MemoryConfig(key_width=WIDTH, value_width=5, num_slots=8)
    with pytest.raises(ValueError, match="have no place in slot addressing"):
        EpisodicMemory(slot, references=torch.zeros(8, WIDTH))


def test_file_of_another_encoder_or_version_or_kind_is_refused(tmp_path):
    full, _, _ = filled(encoder="abc")
    path = full.save_pretrained(tmp_path)
    EpisodicMemory.from_pretrained(tmp_path, encoder="abc")
    with pytest.raises(ValueError, match="was written by encoder abc, but this is xyz"):
        EpisodicMemory.from_pretrained(tmp_path, encoder="xyz")
    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    newer = {**json.loads(metadata["memory"]), "format_version": 9}
    save_file(tensors, path, {**metadata, "memory": json.dumps(newer)})
    with pytest.raises(ValueError, match="has format version 9, this package reads 1"):
        EpisodicMemory.from_pretrained(tmp_path)
    del tensors["bank.keys"]
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match="is damaged"):
        EpisodicMemory.from_pretrained(tmp_path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="not an episodic memory"):
        EpisodicMemory.from_pretrained(tmp_path)


@pytest.mark.parametrize("length", [0, 5, 200, -7])
def test_file_cut_short_is_said_to_be(tmp_path, length):
    path = filled()[0].save_pretrained(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="is cut short or damaged"):
        EpisodicMemory.from_pretrained(tmp_path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no memory at .*memory.safetensors; `memory-llm larimar write`"):
        EpisodicMemory.from_pretrained(tmp_path)


def test_killed_write_leaves_the_former_memory(tmp_path, monkeypatch):
    full, keys, values = filled()
    full.save_pretrained(tmp_path)
    full.write(*facts(1, seed=1))

    def killed(tensors, path, metadata):
        path.write_bytes(b"half a fi")
        raise KeyboardInterrupt

    monkeypatch.setattr(memory_file, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        full.save_pretrained(tmp_path)
    assert (tmp_path / MEMORY_FILE).exists()
    torch.testing.assert_close(EpisodicMemory.from_pretrained(tmp_path).read(keys), values)


def test_keys_are_centred_and_scaled():
    space = KeySpace(mean=torch.tensor([1.0, 1.0]))
    placed = space.place(torch.tensor([[4.0, 5.0]]))
    torch.testing.assert_close(placed, torch.tensor([[0.6, 0.8]], dtype=torch.float64))
    assert torch.equal(KeySpace(unit=False).place(torch.tensor([[4.0, 5.0]])), torch.tensor([[4.0, 5.0]]).double())
