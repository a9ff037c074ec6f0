"""Training as in the paper: texts in episodes, written to a memory and read back, encoder and decoder learning too."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from memory_llm.larimar.addressing import ridge_pinv
from memory_llm.larimar.model import LarimarForCausalLM
from memory_llm.larimar.pipeline import Larimar
from memory_llm.training.rank_mean import mean_over_ranks

RIDGE = 1e-6


class EpisodeCollator:
    """Texts to one batch of whole episodes; consecutive texts share an episode.

    Args:
        larimar: Whose tokenizers to use.
        episode_size: Texts of an episode; batches must be a multiple of it.
        max_tokens: Longer texts are cut.
    """

    def __init__(self, larimar: Larimar, *, episode_size: int = 16, max_tokens: int = 64):
        self.larimar, self.episode_size, self.max_tokens = larimar, episode_size, max_tokens

    def __call__(self, texts: Sequence[str]) -> dict[str, Any]:
        """Tensors for :class:`EpisodeObjective`; texts begin with BOS (or EOS, for want of one) and end with EOS.

        Raises:
            ValueError: If the texts are no multiple of an episode.
        """
        if len(texts) % self.episode_size:
            raise ValueError(
                f"a batch of {len(texts)} texts holds no whole episodes of {self.episode_size}; make the batch size a multiple."
            )
        tokenizer = self.larimar.tokenizer
        first = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
        tokens = tokenizer(list(texts), add_special_tokens=False, truncation=True, max_length=self.max_tokens)[
            "input_ids"
        ]
        rows = [torch.tensor([first, *row, tokenizer.eos_token_id]) for row in tokens]
        pad = nn.utils.rnn.pad_sequence
        encoder = self.larimar.encoder_tokens(texts, truncate=True)
        return {
            "encoder_ids": encoder["input_ids"],
            "encoder_mask": encoder["attention_mask"],
            "input_ids": pad(rows, batch_first=True),
            "attention_mask": pad([torch.ones_like(row) for row in rows], batch_first=True),
            "labels": pad(rows, batch_first=True, padding_value=-100),
            "episode_size": self.episode_size,
        }


class EpisodeObjective(nn.Module):
    """Cross-entropy of every text given its readout, given its own latent, and given no memory.

    Args:
        model: With a ``linear`` connector; the weights of the terms are in its config.
        noise: Standard deviation of the noise on latents before they are written.

    Raises:
        ValueError: If the model has another connector.

    Source: Larimar Eq. 1 and 1.10 of the released code, without the KL term, which hurts at 6B. Differs: padding is no
    target; pseudo-inverses are ridge solves in float64 (an SVD has no gradient at the equal singular values of the
    identity that the prior starts from).
    """

    def __init__(self, model: LarimarForCausalLM, *, noise: float = 0.0):
        super().__init__()
        if model.prior is None:
            raise ValueError(
                "episodes need a model with connector='linear', whose latent is the encoding of a whole text."
            )
        self.model, self.prior, self.noise = model, model.prior, noise

    def forward(
        self,
        encoder_ids: Int[Tensor, "texts encoded"],
        encoder_mask: Int[Tensor, "texts encoded"],
        input_ids: Int[Tensor, "texts tokens"],
        attention_mask: Int[Tensor, "texts tokens"],
        labels: Int[Tensor, "texts tokens"],
        episode_size: int,
    ) -> dict[str, Tensor]:
        """``loss`` and its parts ``rec``, ``ae``, ``lm`` and ``l2``."""
        latent = self.model.encode(encoder_ids, encoder_mask)
        readout = self._readout(latent, episode_size)
        given = {"rec": readout, "ae": latent, "lm": torch.zeros_like(latent)}
        weights = self.model.config.loss_weights
        parts = {
            name: self._cross_entropy(input_ids, attention_mask, labels, given[name]) for name in given if weights[name]
        }
        if weights["l2"]:
            parts["l2"] = mean_over_ranks((readout - latent).square().flatten())
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        return {"loss": loss, **{name: part.detach() for name, part in parts.items()}}

    def _readout(self, latent: Float[Tensor, "texts latent"], episode_size: int) -> Float[Tensor, "texts latent"]:
        """Write each episode to a memory of its own and read it with the same latents (Alg. 1)."""
        episodes = latent.double().view(-1, episode_size, latent.shape[-1])
        noisy = episodes + self.noise * torch.randn_like(episodes) if self.noise else episodes
        write = noisy @ ridge_pinv(self.prior.double(), RIDGE)
        memory = ridge_pinv(write, RIDGE) @ noisy
        readout = episodes @ ridge_pinv(memory, RIDGE) @ memory
        return readout.view_as(latent).to(latent.dtype)

    def _cross_entropy(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, latent: Tensor) -> Tensor:
        logits = self.model(input_ids, attention_mask, latent=latent).logits[:, :-1].float()
        wanted = labels[:, 1:] >= 0
        return mean_over_ranks(nn.functional.cross_entropy(logits[wanted], labels[:, 1:][wanted], reduction="none"))
