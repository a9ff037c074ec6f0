"""What tells the memories of one checkpoint from those of another."""

import json
from typing import TYPE_CHECKING

from torch import nn

from gpu_commons.weights_digest import weights_sha256

if TYPE_CHECKING:
    from memory_llm.memreasoner.model import MemReasonerForQA

OF_WRITING = ("temporal", "query_gated", "memory", "pinv_steps", "pooling")


class Fingerprint:
    """Digests of the weights and settings that write memories, made anew only when weights have changed."""

    def __init__(self) -> None:
        self._key: tuple[tuple[int, int], ...] = ()
        self._found: dict[str, str] = {}

    def of(self, model: "MemReasonerForQA") -> dict[str, str]:
        """Digests by what they are of."""
        writers = nn.ModuleDict({"encoder": model.encoder, "temporal": model.temporal, "memory": model.memory})
        key = tuple((id(part), part._version) for part in writers.parameters())
        if key != self._key:
            settings = {name: getattr(model.config, name) for name in OF_WRITING}
            self._found = {
                "settings": json.dumps(settings, sort_keys=True),
                "tokenizer": model.tokens().fingerprint,
                "weights": weights_sha256(writers)[:16],
            }
            self._key = key
        return self._found
