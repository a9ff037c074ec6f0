"""From final hidden states to logits, for loops that run the decoder without its head."""

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel

from gpu_commons.kv_cache import decoder_of


def project(model: PreTrainedModel, hidden: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch vocab"]:
    """Logits of final hidden states: the output embedding and the scalings that some families add after it."""
    logits = model.get_output_embeddings()(hidden)
    config = model.config.get_text_config()
    if scale := getattr(config, "logit_scale", None):  # Cohere
        logits = logits * scale
    if divisor := getattr(config, "logits_scaling", None):  # Granite
        logits = logits / divisor
    if cap := getattr(config, "final_logit_softcapping", None):  # Gemma
        logits = cap * torch.tanh(logits / cap)
    return logits


@torch.no_grad()
def check_projection(model: PreTrainedModel, remedy: str) -> None:
    """Refuse a model whose logits are not :func:`project` of its final state, where a loop of our own would silently
    differ.

    Args:
        model: A causal language model.
        remedy: What to do instead, as the end of a sentence.

    Raises:
        ValueError: If the logits of one token differ.
    """
    token = torch.zeros(1, 1, dtype=torch.long, device=model.device)
    expected = model(input_ids=token, use_cache=False).logits[0, -1].float()
    hidden = decoder_of(model)(input_ids=token, use_cache=False).last_hidden_state[:, -1]
    if not torch.allclose(project(model, hidden)[0].float(), expected, rtol=1e-2, atol=1e-2):
        raise ValueError(f"{model.config.model_type} post-processes its logits in an unknown way; {remedy}.")
