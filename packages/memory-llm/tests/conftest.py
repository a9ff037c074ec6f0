"""Fixtures shared by all tests."""

import torch

torch.set_num_threads(1)  # more are slower on models this small
