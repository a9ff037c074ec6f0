"""A causal transformer with rotary positions, after the pattern of Llama."""

from jaxtyping import Float
from torch import Tensor
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.sequence_model import SequenceModel

LONGEST = 1 << 20


class TransformerBaseline(SequenceModel):
    """transformers' Llama, which sees the whole story at once.

    Args:
        tokenizer: Of whole words.
        width: Of a token's vector.
        num_layers: Layers.
        num_heads: Heads a layer.
        mlp_width: Of the gated layer inside.
    """

    name = "transformer"
    learning_rate = 2e-3
    curriculum_steps = 2000

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        width: int = 64,
        num_layers: int = 4,
        num_heads: int = 4,
        mlp_width: int = 240,
    ):
        super().__init__(tokenizer, width=width, num_layers=num_layers, num_heads=num_heads, mlp_width=mlp_width)
        self.decoder = llama(width, num_layers, num_heads, mlp_width)

    def hidden(self, vectors: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
        return self.decoder(inputs_embeds=vectors, use_cache=False).last_hidden_state


def llama(width: int, num_layers: int, num_heads: int, mlp_width: int) -> LlamaModel:
    """A Llama for vectors of tokens, whose own table of words is left out; positions have no end."""
    config = LlamaConfig(
        vocab_size=1,
        hidden_size=width,
        intermediate_size=mlp_width,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        num_key_value_heads=num_heads,
        initializer_range=width**-0.5,  # with the usual 0.02 a narrow model stays long at the mean of all answers
        max_position_embeddings=LONGEST,
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="sdpa",
    )
    decoder = LlamaModel(config)
    decoder.embed_tokens = None
    return decoder
