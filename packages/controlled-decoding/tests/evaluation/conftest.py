"""Evaluation tests run hundreds of tiny forward passes."""

import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def single_thread():
    """Threads that wait for each other cost tiny models more than they bring, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
