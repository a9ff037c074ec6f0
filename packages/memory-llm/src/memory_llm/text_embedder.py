"""What the tasks need of a sentence encoder, so that a user's own will do."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class TextEmbedder(Protocol):
    """Anything that embeds texts as :class:`gpu_commons.SentenceEncoder` does."""

    def embed(self, texts: Sequence[str], /) -> Float[np.ndarray, "texts width"]:
        """Rows of unit length, in the order given."""
