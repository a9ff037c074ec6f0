"""Lines to latents, each line on its own, so that a text's length is only a number of lines."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.text_encoder import TextEncoder

NUM_BLOCKS = 6


class LineEncoder(nn.Module):
    """``z = W_e pool(Enc(line))``.

    Args:
        config: Of the model.
        model: A pretrained encoder; a random one of the config if absent.

    Raises:
        ValueError: If the encoder given has another width than the config's.

    Source: MemReasoner 1.2. Differs: ``W_e`` has no unused half for variances.
    """

    def __init__(self, config: MemReasonerConfig, model: PreTrainedModel | None = None):
        super().__init__()
        width = config.encoder.hidden_size
        if model is not None and model.config.hidden_size != width:
            raise ValueError(
                f"the encoder has width {model.config.hidden_size}, but the config says {width}; build the model by "
                "`from_encoder_decoder`, which takes the config from the parts."
            )
        self.encoder = TextEncoder(config.encoder, model, pooling=config.pooling, latent_size=width, unit=False)
        self.projection = nn.Linear(width, config.latent_size)

    def forward(
        self, input_ids: Int[Tensor, "lines tokens"], attention_mask: Int[Tensor, "lines tokens"]
    ) -> Float[Tensor, "lines latent"]:
        """Latents of lines, padded on the right; a line that occurs several times is encoded once."""
        marked = input_ids.masked_fill(attention_mask == 0, -1)
        rows, places = torch.unique(marked, dim=0, return_inverse=True)
        lengths = (rows >= 0).sum(1)
        order = lengths.argsort(stable=True)
        # Most lines are much shorter than the longest: blocks of like length have less padding.
        blocks = order.chunk(NUM_BLOCKS)
        widths = lengths[torch.stack([block[-1] for block in blocks])].tolist()
        found = [self._encode(rows[block, :width]) for block, width in zip(blocks, widths, strict=True)]
        return torch.cat(found)[order.argsort()[places]]

    def _encode(self, rows: Int[Tensor, "lines tokens"]) -> Float[Tensor, "lines latent"]:
        """Latents of rows in which -1 is padding."""
        return self.projection(self.encoder(rows.clamp(min=0), (rows >= 0).long()))

    def encode_all(
        self,
        line_input_ids: Int[Tensor, "batch lines tokens"],
        line_attention_mask: Int[Tensor, "batch lines tokens"],
        line_mask: Bool[Tensor, "batch lines"],
        *texts: tuple[Tensor, Tensor],
    ) -> list[Tensor]:
        """Latents of contexts ``[batch, lines, latent]``, 0 for padding lines, and of further texts, in one pass."""
        blocks = [(line_input_ids[line_mask], line_attention_mask[line_mask]), *texts]
        width = max(ids.shape[1] for ids, _ in blocks)
        ids, mask = (
            torch.cat([nn.functional.pad(part, (0, width - part.shape[1])) for part in kind])
            for kind in zip(*blocks, strict=True)
        )
        flat, *others = self(ids, mask).split([len(part) for part, _ in blocks])
        lines = flat.new_zeros(*line_mask.shape, flat.shape[-1]).masked_scatter(line_mask.unsqueeze(-1), flat)
        return [lines, *others]
