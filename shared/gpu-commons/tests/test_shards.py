"""Checkpoints are read as safetensors reads them, distrusted, and written to the same bytes after any kill."""

import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from gpu_commons.shards import (
    Checkpoint,
    ShardWriter,
    TensorEntry,
    from_float64,
    plan_shards,
    read_header,
    to_float64,
)

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def raw_bytes(tensor: torch.Tensor) -> bytes:
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes()


def written(
    folder: Path, tensors: dict[str, torch.Tensor], *, shard: int = 10**9, stop_after: int | None = None
) -> dict | None:
    """Write tensors through a ShardWriter; stop without completing after some of them, as a killed process does."""
    names = {kind: name for name, kind in DTYPES.items()} | {torch.int64: "I64"}
    planned = [TensorEntry(name, names[one.dtype], tuple(one.shape), Path(), 0) for name, one in tensors.items()]
    writer = ShardWriter(folder, plan_shards(planned, shard), "a plan")
    for count, (name, tensor) in enumerate(tensors.items()):
        if count == stop_after:
            writer.close()
            return None
        if name in writer.written:
            continue
        raw = np.frombuffer(raw_bytes(tensor), np.uint8)
        half = tensor.numel() // 2
        writer.write(name, 0, raw[: half * tensor.element_size()])
        writer.write(name, half, raw[half * tensor.element_size() :])
        writer.finish(name)
    return writer.complete()


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "embed": torch.randn(5, 3, generator=generator, dtype=torch.float64).to(torch.bfloat16),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        "half": torch.randn(7, generator=generator).half(),
        "places": torch.arange(4),
    }


@pytest.mark.parametrize("shard", [10**9, 40])
def test_what_is_written_is_what_safetensors_reads(tmp_path, tensors, shard):
    hashes = written(tmp_path / "model", tensors, shard=shard)
    found = {}
    for file in hashes:
        found |= load_file(tmp_path / "model" / file)
    assert sorted(found) == sorted(tensors)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    index = tmp_path / "model" / "model.safetensors.index.json"
    assert index.is_file() == (len(hashes) > 1)
    assert not list((tmp_path / "model").glob("journal*"))


@pytest.mark.parametrize("shard", [10**9, 40])
def test_what_safetensors_writes_is_read_in_pieces(tmp_path, tensors, shard):
    save_file(tensors, tmp_path / "model.safetensors")
    with Checkpoint(tmp_path) as checkpoint:
        assert checkpoint.num_bytes == sum(one.numel() * one.element_size() for one in tensors.values())
        for name, tensor in tensors.items():
            for start in range(tensor.numel()):
                out = np.empty((tensor.numel() - start) * tensor.element_size(), np.uint8)
                checkpoint.read_into(name, start, out)
                assert out.tobytes() == raw_bytes(tensor.flatten()[start:])


@pytest.mark.parametrize("stop_after", range(5))
def test_a_killed_writer_goes_on_to_the_same_bytes(tmp_path, tensors, stop_after):
    whole = written(tmp_path / "whole", tensors, shard=40)
    assert written(tmp_path / "killed", tensors, shard=40, stop_after=stop_after) is None
    assert not (tmp_path / "killed").exists()
    journal = tmp_path / "killed.partial" / "journal.jsonl"
    with journal.open("a") as stream:
        stream.write('{"written": "emb')  # cut off by the kill
    assert written(tmp_path / "killed", tensors, shard=40) == whole
    assert not (tmp_path / "killed.partial").exists()


def test_work_of_another_plan_is_not_taken_up(tmp_path, tensors):
    assert written(tmp_path / "model", tensors, stop_after=3) is None
    planned = [TensorEntry("embed", "BF16", (5, 3), Path(), 0)]
    writer = ShardWriter(tmp_path / "model", plan_shards(planned, 100), "another plan")
    assert writer.written == set()
    with pytest.raises(ValueError, match="1 tensors are not written yet, among them 'embed'"):
        writer.complete()
    with pytest.raises(ValueError, match="tensor 'embed' has 30 bytes; byte 32 is none of them"):
        writer.write("embed", 0, np.zeros(32, np.uint8))


def test_a_folder_that_is_there_is_not_overwritten(tmp_path, tensors):
    written(tmp_path / "model", tensors)
    with pytest.raises(FileExistsError, match="is there already; delete it"):
        written(tmp_path / "model", tensors)


def test_a_full_disk_is_noticed_before_writing(tmp_path, tensors, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(OSError, match=r"has 0.00 GB free, and 0.00 GB are to be written; make room"):
        written(tmp_path / "model", tensors)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_on_the_way_is_named_and_costs_nothing(tmp_path, tensors, monkeypatch):
    whole = written(tmp_path / "whole", tensors)
    pwrite, left = os.pwrite, iter(range(4))

    def full(descriptor, view, offset):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, view, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(
            OSError, match=r"model.partial/model.safetensors: No space left on device; make room and run"
        ):
            written(tmp_path / "model", tensors)
    assert not (tmp_path / "model").exists()
    assert written(tmp_path / "model", tensors) == whole


def test_discarded_work_leaves_nothing(tmp_path, tensors):
    planned = [TensorEntry("embed", "BF16", (5, 3), Path(), 0)]
    ShardWriter(tmp_path / "deep" / "model", plan_shards(planned, 100), "a plan").discard()
    assert [path.name for path in tmp_path.rglob("*")] == ["deep"]


def header_file(path: Path, header: bytes, data: int = 64, length: int | None = None) -> Path:
    length = len(header) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + header + bytes(data))
    return path


def tensor_row(**changes) -> bytes:
    return json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16], **changes}}).encode()


@pytest.mark.parametrize(
    ("header", "length", "message"),
    [
        (b"{}", 2**40, "its header should have 1099511627776 bytes, and the file has 74"),
        (b"", 0, "its header should have 0 bytes"),
        (b"not json", None, "its header is not JSON of tensors"),
        (b"[" * 60_000, None, "its header is not JSON of tensors"),
        (b"[1]", None, "is a JSON list, not an object"),
        (b'{"w": 1}', None, "tensor 'w' lacks `dtype`, `shape` or `data_offsets`"),
        (b'{"w": {}, "w": {}}', None, "'w' stands in it twice"),
        (tensor_row(dtype="F4"), None, "tensor 'w' is of dtype 'F4'"),
        (tensor_row(dtype=["F32"]), None, r"tensor 'w' is of dtype \['F32'\]; known are"),
        (tensor_row(shape=[5]), None, "of shape .5,. and dtype F32 needs 20 bytes, and the header gives it 16"),
        (tensor_row(shape=[-4]), None, "has shape .-4,. and offsets .0, 16., which cannot be"),
        (tensor_row(shape=[True]), None, "which cannot be"),
        (tensor_row(data_offsets=[16, 0]), None, "which cannot be"),
        (tensor_row(shape=[40], data_offsets=[0, 160]), None, "and the file has .*; it is truncated"),
    ],
)
def test_damaged_and_hostile_headers_are_refused(tmp_path, header, length, message):
    with pytest.raises(ValueError, match=message):
        read_header(header_file(tmp_path / "model.safetensors", header, length=length))


def test_overlapping_tensors_are_refused(tmp_path):
    rows = {
        "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        "b": {"dtype": "F32", "shape": [4], "data_offsets": [8, 24]},
    }
    with pytest.raises(ValueError, match="tensors 'a' and 'b' share bytes"):
        read_header(header_file(tmp_path / "model.safetensors", json.dumps(rows).encode()))


def test_index_and_files_must_agree(tmp_path, tensors):
    written(tmp_path / "model", tensors, shard=40)
    index = tmp_path / "model" / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["lost"] = content["weight_map"]["embed"]
    index.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="the index says that tensor 'lost' is in it, and it is not"):
        Checkpoint(tmp_path / "model")
    index.write_text("{}")
    with pytest.raises(ValueError, match="holds no `weight_map`"):
        Checkpoint(tmp_path / "model")


def test_a_tensor_in_two_files_is_refused(tmp_path, tensors):
    written(tmp_path / "model", tensors, shard=40)
    folder = tmp_path / "model"
    first, second = sorted(file.name for file in folder.glob("*.safetensors"))[:2]
    save_file({"embed": tensors["embed"], "places": tensors["places"]}, folder / second)
    content = {"weight_map": {"embed": first, "places": second}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"tensor 'embed' stands in {first} too"):
        Checkpoint(folder)


def test_absent_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model.safetensors and no model.safetensors.index.json in"):
        Checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"pytorch_model.bin is a pickle, so save the model again"):
        Checkpoint(tmp_path)


def test_a_file_that_shrinks_after_its_header_was_read_is_noticed(tmp_path, tensors):
    save_file(tensors, tmp_path / "model.safetensors")
    with Checkpoint(tmp_path) as checkpoint:
        os.truncate(tmp_path / "model.safetensors", checkpoint.entries["places"].offset)
        with pytest.raises(OSError, match="ends within tensor 'places'"):
            checkpoint.read_into("places", 0, np.empty(32, np.uint8))


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_numbers_of_half_precision_survive_the_way_there_and_back(dtype):
    raw = np.arange(2**16, dtype=np.uint16)
    numbers = to_float64(raw.view(np.uint8), dtype, np.empty(2**16))
    back = from_float64(numbers, dtype).view(np.uint16)
    is_number = ~np.isnan(numbers)
    assert np.array_equal(back[is_number], raw[is_number])
    assert np.isnan(to_float64(back.view(np.uint8), dtype, np.empty(2**16))[~is_number]).all()


def rounded_once(value: float, dtype: str) -> float:
    """The nearest of all numbers of a format, found by comparing distances as exact fractions."""
    from fractions import Fraction

    digits, smallest, largest = {"BF16": (8, -133, 2**128 - 2**120), "F16": (11, -24, 65504)}[dtype]
    exact = abs(Fraction(value))
    if not exact:
        return value
    exponent = exact.numerator.bit_length() - exact.denominator.bit_length()
    exponent -= exact < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - digits + 1, smallest)
    result = round(exact / unit) * unit  # halves to even
    magnitude = float(result) if result <= largest else np.inf
    return float(np.copysign(magnitude, value))


MIDDLES = st.builds(
    lambda number, exponent, nudge: (1 + (2 * number + 1) * 2.0**-8) * 2.0**exponent * (1 + nudge * 2.0**-50),
    st.integers(0, 127),
    st.integers(-140, 126),
    st.sampled_from([-1, 0, 1]),
)


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
@given(value=st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-70000, 70000), MIDDLES))
def test_numbers_are_rounded_once(value, dtype):
    found = to_float64(from_float64(np.array([value]), dtype), dtype, np.empty(1))[0]
    expected = rounded_once(value, dtype)
    assert found == expected
    assert np.signbit(found) == np.signbit(expected)
