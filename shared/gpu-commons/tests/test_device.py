"""Devices, formats, seeds and memory."""

import random
import sys

import numpy as np
import pytest
import torch

from gpu_commons.device import (
    largest_batch,
    make_generator,
    peak_memory,
    resolve_device,
    resolve_dtype,
    seed_everything,
)

MEBIBYTE = 1024**2


def test_auto_takes_the_accelerator_if_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.accelerator.is_available() and expected == "cpu":
        pytest.skip("an accelerator other than cuda")
    assert resolve_device().type == expected


def test_a_device_passes_through():
    device = torch.device("cpu")
    assert resolve_device(device) == device


def test_an_unknown_device_is_named_in_the_error():
    with pytest.raises(ValueError, match=r'`device` must be "auto", "cpu".*got \'gpu\''):
        resolve_device("gpu")


@pytest.mark.skipif(torch.accelerator.is_available(), reason="needs a machine without an accelerator")
def test_an_absent_accelerator_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r'"cuda:0", but torch .* sees no accelerator here; use "auto" or "cpu"'):
        resolve_device("cuda:0")


@pytest.mark.gpu
def test_a_device_index_beyond_the_last_is_refused():
    with pytest.raises(ValueError, match="counted from 0"):
        resolve_device(f"cuda:{torch.cuda.device_count()}")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("bf16", torch.bfloat16), ("bfloat16", torch.bfloat16), ("fp32", torch.float32), (torch.float64, torch.float64)],
)
def test_a_named_dtype_is_taken_as_asked(name, dtype):
    assert resolve_dtype(name, "cpu") == (dtype, "asked for by the caller")


def test_auto_dtype_on_a_cpu_is_the_reference_format():
    choice = resolve_dtype("auto", "cpu")
    assert choice.dtype is torch.float32
    assert choice.reason.startswith("cpu: ")


@pytest.mark.parametrize(("has_bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_fast_dtype_on_a_cpu_is_the_one_that_it_computes_in(monkeypatch, has_bfloat16, dtype):
    monkeypatch.setattr("gpu_commons.device._cpu_has_bfloat16", lambda: has_bfloat16)
    assert resolve_dtype("fast", "cpu").dtype is dtype


@pytest.mark.gpu
def test_auto_dtype_on_a_gpu_names_the_gpu():
    choice = resolve_dtype("auto", "cuda")
    assert torch.cuda.get_device_name() in choice.reason
    has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    assert choice.dtype is (torch.bfloat16 if has_bfloat16 else torch.float32)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [("int4", "must be one of auto, fast, float32"), (torch.int64, "must be a floating-point type")],
)
def test_an_unusable_dtype_is_refused(dtype, message):
    with pytest.raises(ValueError, match=message):
        resolve_dtype(dtype, "cpu")


def test_a_generator_repeats_and_leaves_the_global_state_alone():
    before = torch.random.get_rng_state()
    first = torch.rand(3, generator=make_generator(7))
    second = torch.rand(3, generator=make_generator(7))
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_one_seed_sets_all_three_global_generators():
    def draw():
        seed_everything(11)
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002  the global state is what is tested

    assert draw() == draw()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_cannot_take_is_refused(seed):
    with pytest.raises(ValueError, match=f"got {seed}"):
        seed_everything(seed)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak counts from the start of the process")
def test_peak_memory_of_a_block_sees_what_was_freed_inside_it():
    with peak_memory("cpu") as small:
        pass
    with peak_memory("cpu") as large:
        block = torch.ones(64 * MEBIBYTE, dtype=torch.uint8)
        del block
    assert large.bytes - small.bytes > 32 * MEBIBYTE


@pytest.mark.gpu
def test_peak_memory_on_a_gpu_counts_what_torch_allocated():
    with peak_memory("cuda") as peak:
        before = torch.cuda.memory_allocated()
        block = torch.ones(64 * MEBIBYTE, dtype=torch.uint8, device="cuda")
        del block
    assert peak.bytes == before + 64 * MEBIBYTE


def test_peak_memory_is_filled_in_when_the_block_fails():
    with pytest.raises(RuntimeError, match="stop"), peak_memory("cpu") as peak:
        raise RuntimeError("stop")
    assert peak.bytes


@pytest.mark.parametrize(("start", "capacity", "found"), [(8, 100, 8), (100, 13, 12), (7, 1, 1)])
def test_the_batch_is_halved_until_it_fits(start, capacity, found):
    def run(size):
        if size > capacity:
            raise torch.OutOfMemoryError("full")

    assert largest_batch(run, start) == found


def test_a_batch_of_one_that_does_not_fit_is_an_error():
    def run(size):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(torch.OutOfMemoryError, match="a batch of 1 does not fit"):
        largest_batch(run, 4)


def test_other_errors_end_the_search():
    def run(size):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        largest_batch(run, 4)


def test_the_first_batch_tried_has_at_least_one_row():
    with pytest.raises(ValueError, match="`start` must be at least 1, got 0"):
        largest_batch(print, 0)
