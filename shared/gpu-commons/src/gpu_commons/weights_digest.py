"""A full sha256 over a model's weights: the identity of a judge or an encoder."""

import hashlib

import torch
from torch import nn


def weights_sha256(model: nn.Module) -> str:
    """Hash of every parameter and persistent buffer with its name, type and shape, wherever the model is."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
