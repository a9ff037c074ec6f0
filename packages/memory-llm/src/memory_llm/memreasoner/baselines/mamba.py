"""A state space model: transformers' Mamba-2 without its own table of words."""

from jaxtyping import Float
from torch import Tensor
from transformers import Mamba2Config, Mamba2Model, PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.sequence_model import SequenceModel

EXPANSION = 2
WIDEST_HEAD = 64
"""Channels, as released."""


class MambaBaseline(SequenceModel):
    """Mamba-2: on a CPU its scan goes by blocks of tokens, where Mamba's goes token by token.

    Args:
        tokenizer: Of whole words.
        width: Of a token's vector; above 32 a multiple of 32.
        num_layers: Layers.
        state_size: Numbers of the state for each channel.
        block: Tokens of a block of the scan; changes the speed, not the result.

    Source: Dao and Gu 2024.
    """

    name = "mamba"
    curriculum_steps = 1000

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        width: int = 64,
        num_layers: int = 8,
        state_size: int = 32,
        block: int = 16,
    ):
        super().__init__(tokenizer, width=width, num_layers=num_layers, state_size=state_size, block=block)
        inner = EXPANSION * width
        head = min(WIDEST_HEAD, inner)
        self.layers = Mamba2Model(
            Mamba2Config(
                vocab_size=1,
                hidden_size=width,
                num_hidden_layers=num_layers,
                state_size=state_size,
                num_heads=inner // head,
                head_dim=head,
                expand=EXPANSION,
                n_groups=1,
                chunk_size=block,
                pad_token_id=None,
                bos_token_id=None,
                eos_token_id=None,
            )
        )
        self.layers.embeddings = None

    def hidden(self, vectors: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
        return self.layers(inputs_embeds=vectors, use_cache=False).last_hidden_state
