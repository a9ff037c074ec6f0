"""Any masked protein language model of transformers with a token a residue, such as ESM-2."""

import os
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

from gpu_commons import model_fingerprint, resolve_device, resolve_dtype
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.encoder import Encoded
from protein_fitness.protein import Protein

_UNREAD = ("pooler.", "contact_head.")
"""Parts of a model that neither features nor logits come from."""


class MaskedLanguageModel:
    """The final hidden states of a frozen model and, if it has the head, its logits.

    All copies are of one length, so none is padded. That matters: ESM scales embeddings by the share of masks among the
    tokens, and does so for each copy by itself.

    Args:
        model: A transformers model in eval mode.
        tokenizer: Its own.
        id: Hub id or folder.

    Raises:
        ValueError: If the tokenizer has no mask, or not one token for each of the twenty.
    """

    def __init__(self, model: Any, tokenizer: Any, *, id: str):
        self.model, self.id, self.fingerprint = model, id, model_fingerprint(model)
        self.width = int(model.config.hidden_size)
        self.has_logits = model.get_output_embeddings() is not None
        self._letters, self._mask = _tokens_of_letters(tokenizer, id), int(tokenizer.mask_token_id)
        self._before, self._after = _tokens_around(tokenizer, self._letters["A"])
        self.longest = self._most_residues(tokenizer.pad_token_id)
        self._hidden: Tensor | None = None
        model.base_model.register_forward_hook(self._keep)

    @classmethod
    def from_pretrained(
        cls, source: str | os.PathLike[str], *, device: str = "auto", dtype: str = "auto"
    ) -> "MaskedLanguageModel":
        """Load by hub id or folder; without the head where the checkpoint is of a model that has none.

        Args:
            source: Hub id, or folder in transformers layout.
            device: "auto" or a torch device.
            dtype: "auto" or a floating type, of the weights.

        Raises:
            ValueError: If it cannot be loaded, or weights that are read are missing.
        """
        target = resolve_device(device)
        try:
            head = any("ForMaskedLM" in name for name in AutoConfig.from_pretrained(source).architectures or ())
            model, told = (AutoModelForMaskedLM if head else AutoModel).from_pretrained(
                source, dtype=resolve_dtype(dtype, target).dtype, output_loading_info=True
            )
            tokenizer = AutoTokenizer.from_pretrained(source)
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            raise ValueError(
                f"{source} cannot be loaded as a protein language model ({reason}); give the folder or hub id of one "
                "such as ESM-2."
            ) from error
        _settle_missing(model, told["missing_keys"], str(source))
        return cls(model.to(target).eval(), tokenizer, id=str(source))

    @torch.no_grad()  # not inference mode, whose tensors cannot be trained on
    def encode(self, protein: Protein, masked: Bool[np.ndarray, "copies positions"]) -> Encoded:
        if self.longest is not None and len(protein) > self.longest:
            raise ValueError(
                f"the sequence has {len(protein)} residues and {self.id} reads {self.longest}; give a window of it."
            )
        tokens = self._tokens(protein.sequence, masked)
        output = self.model(input_ids=tokens, attention_mask=torch.ones_like(tokens))
        hidden, self._hidden = self._hidden, None
        assert hidden is not None
        residues = slice(len(self._before), len(self._before) + len(protein))
        logits = None
        if self.has_logits:
            columns = [self._letters[letter] for letter in AMINO_ACIDS]
            logits = output.logits[:, residues, columns].float()
        return Encoded(features=hidden[:, residues].float(), logits=logits)

    def _keep(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """The hidden states on their way to the head; to have the model return those of all layers takes memory."""
        self._hidden = output[0]

    def _tokens(self, sequence: str, masked: Bool[np.ndarray, "copies positions"]) -> Int[Tensor, "copies tokens"]:
        letters = np.array([self._letters.get(letter, self._mask) for letter in sequence])
        tokens = np.where(masked, self._mask, letters)
        before, after = (np.tile(one, (len(tokens), 1)) for one in (self._before, self._after))
        whole = np.concatenate([before, tokens, after], axis=1).astype(np.int64)
        return torch.from_numpy(whole).to(self.model.device)

    def _most_residues(self, pad: int | None) -> int | None:
        places = getattr(self.model.config, "max_position_embeddings", None)
        # ESM and RoBERTa number their places from the padding token's id on.
        offset = 0 if pad is None else pad + 1
        return None if places is None else places - offset - len(self._before) - len(self._after)


def _tokens_of_letters(tokenizer: Any, source: str) -> dict[str, int]:
    tokens = dict(zip(AMINO_ACIDS, tokenizer.convert_tokens_to_ids(list(AMINO_ACIDS)), strict=True))
    if missing := [letter for letter, token in tokens.items() if token in (None, tokenizer.unk_token_id)]:
        raise ValueError(
            f"the tokenizer of {source} has no token {', '.join(missing)}; give a model that reads a token a residue."
        )
    if tokenizer.mask_token_id is None:
        raise ValueError(f"the tokenizer of {source} has no mask; give a masked language model.")
    return tokens


def _tokens_around(tokenizer: Any, letter: int) -> tuple[list[int], list[int]]:
    """Special tokens before and after a sequence."""
    tokens = tokenizer("A")["input_ids"]
    at = tokens.index(letter)
    return tokens[:at], tokens[at + 1 :]


def _settle_missing(model: Any, missing: Any, source: str) -> None:
    """Refuse random weights where they are read, and make others zero so that the fingerprint stays the same."""
    if read := [name for name in sorted(missing) if not any(part in name for part in _UNREAD)]:
        raise ValueError(
            f"{source} lacks the weight {read[0]}, which would be random ({len(read)} such); give a whole checkpoint, or "
            "name in its config.json the model that it is of."
        )
    for name in missing:
        nn.init.zeros_(model.get_parameter(name))
