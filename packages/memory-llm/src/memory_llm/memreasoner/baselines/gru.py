"""A recurrent network of two layers of gated units."""

from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from memory_llm.memreasoner.baselines.sequence_model import SequenceModel


class GRUBaseline(SequenceModel):
    """``nn.GRU`` over all tokens of a story.

    Args:
        tokenizer: Of whole words.
        width: Of a token's vector.
        state_width: Of a layer's state.
        num_layers: Layers.

    Source: Cho et al. 2014, in the form of ``nn.GRU``.
    """

    name = "gru"
    text_weight = 1.0
    curriculum_steps = 2000

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, width: int = 64, state_width: int = 152, num_layers: int = 2
    ):
        super().__init__(tokenizer, width=width, state_width=state_width, num_layers=num_layers)
        self.units = nn.GRU(width, state_width, num_layers, batch_first=True)
        self.out = nn.Linear(state_width, width)

    def hidden(self, vectors: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows tokens width"]:
        return self.out(self.units(vectors)[0])
