"""Texts to vectors: a transformers encoder, pooled and perhaps projected."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig, PreTrainedModel

POOLINGS = ("mean", "cls", "pooler")


class TextEncoder(nn.Module):
    """Encoder, pooling, projection to the latent width, unit length.

    Args:
        config: Of the encoder.
        model: The encoder; a random one of the config if absent.
        pooling: What of the last states becomes a vector: masked mean, first token, or BERT's pooler.
        latent_size: Width of the latents; there is a projection without bias if the encoder's width is another.
        unit: Whether latents have unit length.

    Source: Larimar 1.3 (released code): ``z = W_e tanh(dense(h_cls))``. Differs: the log-variance half of W_e is never
    used there and is not built; the masked mean is the default, which sentence encoders are trained for.
    """

    def __init__(
        self,
        config: PreTrainedConfig,
        model: PreTrainedModel | None = None,
        *,
        pooling: str,
        latent_size: int,
        unit: bool,
    ):
        super().__init__()
        self.model = AutoModel.from_config(config) if model is None else model
        if pooling != "pooler" and hasattr(self.model, "pooler"):
            self.model.pooler = None  # transformers invents a random one where a checkpoint has none
        self.pooling, self.unit = pooling, unit
        width = config.hidden_size
        self.projection = nn.Identity() if latent_size == width else nn.Linear(width, latent_size, bias=False)

    def forward(
        self, input_ids: Int[Tensor, "texts tokens"], attention_mask: Int[Tensor, "texts tokens"]
    ) -> Float[Tensor, "texts latent"]:
        """Latents of tokenised texts, padded on the right."""
        output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        latent = self.projection(self._pool(output, attention_mask))
        return nn.functional.normalize(latent, dim=-1) if self.unit else latent

    def _pool(self, output: object, mask: Int[Tensor, "texts tokens"]) -> Float[Tensor, "texts width"]:
        hidden: Tensor = output.last_hidden_state  # type: ignore[attr-defined]
        if self.pooling == "pooler":
            return output.pooler_output  # type: ignore[attr-defined]
        if self.pooling == "cls":
            return hidden[:, 0]
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)
