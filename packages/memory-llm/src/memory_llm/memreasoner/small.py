"""A model that learns short stories from scratch in a minute on one core."""

from typing import Any

from transformers import LlamaConfig, ModernBertConfig, PreTrainedTokenizerBase

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.model import MemReasonerForQA
from memory_llm.memreasoner.processor import StoryProcessor


def small_memreasoner(tokenizer: PreTrainedTokenizerBase, *, width: int = 64, **overrides: Any) -> MemReasonerForQA:
    """A random model of about 216,000 weights beside the embeddings: encoder and decoder of two layers each.

    Args:
        tokenizer: Of both parts, see :func:`word_tokenizer`.
        width: Of encoder, latents and decoder.
        overrides: Of :class:`MemReasonerConfig`.
    """
    special = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    common = {"vocab_size": len(tokenizer), "hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 4}
    encoder = ModernBertConfig(
        **common,
        **special,
        cls_token_id=None,
        sep_token_id=None,
        intermediate_size=2 * width,
        max_position_embeddings=512,
        global_attn_every_n_layers=1,
        initializer_range=INITIAL,
    )
    decoder = LlamaConfig(
        **common,
        **special,
        intermediate_size=2 * width,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=INITIAL,
    )
    config = MemReasonerConfig(encoder, decoder, **{"latent_size": width, "share_embeddings": True, **overrides})
    return MemReasonerForQA(config, processor=StoryProcessor(config, tokenizer, tokenizer))


INITIAL = 0.1
"""Standard deviation of initial weights; transformers' 0.02 is meant for wide models."""
