"""Geometric vector perceptrons: layers on scalars and vectors that turn with the input."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Channels = tuple[int, int]
"""How many scalars and how many vectors."""
Features = tuple[Float[Tensor, "_ _"], Float[Tensor, "_ 3 _"]]
"""Scalars, and vectors with their channels last, so that a linear map of channels is one matrix product."""
SMALLEST_SQUARE = 1e-8
"""Squared lengths are at least this, so that zero vectors have a gradient and nothing is divided by 0."""


class GVP(nn.Module):
    """Scalars from scalars and lengths of vectors; vectors from vectors, each scaled by a gate that scalars open.

    Args:
        inputs: Channels; without vectors among them, those of the output are 0.
        outputs: Channels.
        activation: Whether the scalars end in a ReLU; the gate reads them before it.

    Source: GVP (Jing et al. 2021) with vector gates, as S3F (Zhang et al. 2024) uses it: no activation of vectors.
    """

    def __init__(self, inputs: Channels, outputs: Channels, *, activation: bool = True):
        super().__init__()
        self.inputs, self.outputs, self.activation = inputs, outputs, activation
        hidden = max(inputs[1], outputs[1]) if inputs[1] else 0
        self.scalar = nn.Linear(inputs[0] + hidden, outputs[0])
        if hidden:
            self.hidden = nn.Linear(inputs[1], hidden, bias=False)
        if hidden and outputs[1]:
            self.vector = nn.Linear(hidden, outputs[1], bias=False)
            self.gate = nn.Linear(outputs[0], outputs[1])

    def forward(self, features: Features) -> Features:
        """Scalars and vectors of each item, from those of the same item."""
        return self.finish(self.share(features))

    def share(self, features: Features, first: Channels = (0, 0)) -> Features:
        """What some of the input channels give to the linear maps that come first.

        Shares of channels side by side add up to the share of them all. So the share of a node can be computed once
        and used on all its edges.

        Args:
            features: Of those channels alone.
            first: Where the channels begin among the inputs.
        """
        scalars, vectors = features
        start, end = first[0], first[0] + scalars.shape[-1]
        pre = functional.linear(scalars, self.scalar.weight[:, start:end])
        if not self.inputs[1]:
            return pre, vectors
        return pre, functional.linear(vectors, self.hidden.weight[:, first[1] : first[1] + vectors.shape[-1]])

    def finish(self, shares: Features) -> Features:
        """The output, from the share of all inputs."""
        pre, hidden = shares
        lengths = squared_lengths(hidden).sqrt()
        pre = pre + functional.linear(lengths, self.scalar.weight[:, self.inputs[0] :], self.scalar.bias)
        scalars = pre.relu() if self.activation else pre
        if not (self.inputs[1] and self.outputs[1]):
            return scalars, pre.new_zeros(len(pre), 3, self.outputs[1])
        return scalars, self.vector(hidden) * self.gate(pre).sigmoid().unsqueeze(-2)


class GVPLayerNorm(nn.Module):
    """Scalars normalised as usual; vectors divided by the root mean square of their lengths, over channels.

    A vector of length 0 stays 0, for the lengths are clamped inside the root.
    """

    def __init__(self, channels: Channels):
        super().__init__()
        self.scalar = nn.LayerNorm(channels[0])

    def forward(self, features: Features) -> Features:
        """Each item by itself."""
        scalars, vectors = features
        if not vectors.shape[-1]:
            return self.scalar(scalars), vectors
        mean_square = squared_lengths(vectors).mean(-1, keepdim=True)
        return self.scalar(scalars), vectors / mean_square.sqrt().unsqueeze(-2)


class GVPDropout(nn.Module):
    """Dropout of scalars, and of vectors as wholes."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, features: Features) -> Features:
        """Nothing is dropped in use."""
        scalars, vectors = features
        kept = functional.dropout(torch.ones_like(vectors[:, :1]), self.rate, self.training)
        return functional.dropout(scalars, self.rate, self.training), vectors * kept


def squared_lengths(vectors: Float[Tensor, "items 3 channels"]) -> Float[Tensor, "items channels"]:
    """At least ``SMALLEST_SQUARE``."""
    return vectors.square().sum(-2).clamp(min=SMALLEST_SQUARE)
