"""A mean over what all ranks of a training run hold together."""

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor


def mean_over_ranks(values: Float[Tensor, " items"]) -> Float[Tensor, ""]:
    """The items' sum over the average number of items a rank; 0 where no rank has any.

    Data-parallel training averages gradients over ranks as if all had equally many items. Dividing by the average count
    makes that the mean over all items, so that a loss does not depend on how a batch is split.
    """
    count = torch.tensor(float(values.numel()), device=values.device)
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(count)
        count = count / dist.get_world_size()
    return values.sum() / count.clamp(min=1e-9)
