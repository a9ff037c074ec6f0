"""Texts to unit-length embeddings, by an encoder of its own, apart from the language model."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons.models import load_encoder
from gpu_commons.weights_digest import weights_sha256


class SentenceEncoder:
    """Masked mean of an encoder's last hidden states, L2-normalised.

    Args:
        source: Hub id, folder or ``bundled:minilm``.
        device: "auto" or a torch device.
    """

    def __init__(self, source: str = "bundled:minilm", *, device: str = "auto") -> None:
        self.source = source
        self.model: PreTrainedModel
        self.tokenizer: PreTrainedTokenizerBase
        self.model, self.tokenizer = load_encoder(source, device=device)
        # Many checkpoints hold no pooler; transformers then invents a random one, which no mean needs and which would
        # change the hash.
        if hasattr(self.model, "pooler"):
            self.model.pooler = None
        self.width = int(self.model.config.hidden_size)
        self.sha256 = weights_sha256(self.model)

    @torch.inference_mode()
    def embed(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[np.ndarray, "texts width"]:
        """Masked mean of the last hidden states, L2-normalised, in the order given; batches are formed by length."""
        embeddings = np.zeros((len(texts), self.width))
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        starts = range(0, len(texts), batch_size)
        for start in tqdm(starts, desc="embedding texts", unit="batch", disable=not progress):
            rows = order[start : start + batch_size]
            embeddings[rows] = self._embed_batch([texts[row] for row in rows]).double().cpu().numpy()
        return embeddings

    def _embed_batch(self, texts: list[str]) -> Float[Tensor, "texts width"]:
        # Encoders declare no useful limit in every tokenizer file; the position table is the true one.
        limit = min(self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", 512), 512)
        options = {
            "padding": True,
            "padding_side": "right",
            "truncation": True,
            "max_length": limit,
            "return_tensors": "pt",
        }
        encoded = self.tokenizer(texts, **options).to(self.model.device)
        hidden = self.model(**encoded).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return torch.nn.functional.normalize(mean, dim=-1)
