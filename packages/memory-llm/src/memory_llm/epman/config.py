"""Settings of EpMAN: how documents are cut and read, which chunks a question attends to, and how much."""

from typing import Any

from transformers import PreTrainedConfig

CHOICES = {
    "attn_scope": ("narrow", "broad"),
    "a_mem_mode": ("uniform", "exact", "noisy"),
    "exact_weights": ("minmax", "softmax"),
    "layout": ("gather", "full"),
    "prefill": ("independent", "sliding", "full"),
    "rope": ("on_read", "stored"),
    "store": ("kv", "text"),
    "kv_format": ("model", "int8", "fp8"),
}


class EpMANConfig(PreTrainedConfig):
    """Settings of an EpMAN model.

    Args:
        base_model: Where the decoder comes from, for the record.
        chunk_size: Tokens of a chunk.
        top_chunks: Chunks that a question selects.
        attn_scope: "narrow" attends to these, "broad" to their neighbours in the document as well.
        a_mem_mode: Gate of a selected chunk: 1 ("uniform"), by the retriever's score ("exact"), or drawn from
            [0.9, 1] ("noisy", for training).
        exact_weights: How scores become exact gates: from 0 to 1 over the selected ones, or by softmax.
        exact_temperature: Of that softmax.
        layout: "gather" puts the selected chunks side by side; "full" keeps the whole document in place and shuts the
            gate of the others, so it has to fit the decoder's window.
        prefill: Chunks are read alone, after the ``context_chunks`` before them ("sliding"), or all in one pass.
        context_chunks: See ``prefill``.
        rope: "on_read" moves keys to where chunks come to lie, "stored" leaves them at the positions of reading.
        header: Text before the chunks, such as the beginning of a chat, after the tokenizer's first special token.
        store: Keep keys and values of chunks, or their text alone, which is read anew when it is selected.
        kv_format: Of kept keys and values: the model's, or eight bits with a scale for each token and head.
        layers: Decoder layers (0-based) in which gates apply; all if absent.
        reselect_every: Select anew after so many generated tokens; never if absent.

    Raises:
        ValueError: If a setting is out of its range, or two contradict each other.

    Source: EpMAN 1.1-1.5. What the paper leaves open is a setting here; the defaults are ours.
    """

    model_type = "epman"

    def __init__(
        self,
        *,
        base_model: str | None = None,
        chunk_size: int = 256,
        top_chunks: int = 5,
        attn_scope: str = "broad",
        a_mem_mode: str = "uniform",
        exact_weights: str = "minmax",
        exact_temperature: float = 0.1,
        layout: str = "gather",
        prefill: str = "independent",
        context_chunks: int = 1,
        rope: str = "on_read",
        header: str = "",
        store: str = "kv",
        kv_format: str = "model",
        layers: list[int] | None = None,
        reselect_every: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.base_model, self.header, self.layers = base_model, header, layers
        self.chunk_size, self.top_chunks, self.context_chunks = chunk_size, top_chunks, context_chunks
        self.attn_scope, self.a_mem_mode, self.layout = attn_scope, a_mem_mode, layout
        self.exact_weights, self.exact_temperature = exact_weights, exact_temperature
        self.prefill, self.rope, self.store, self.kv_format = prefill, rope, store, kv_format
        self.reselect_every = reselect_every
        self._check()

    def _check(self) -> None:
        for name in ("chunk_size", "top_chunks", "context_chunks"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if self.reselect_every is not None and self.reselect_every < 1:
            raise ValueError(f"`reselect_every` must be at least 1 or None, got {self.reselect_every}.")
        if self.exact_temperature <= 0:
            raise ValueError(f"`exact_temperature` must be positive, got {self.exact_temperature}.")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"`{name}` must be one of {', '.join(choices)}, got {getattr(self, name)!r}.")
        if self.layout == "full" and self.rope == "stored" and self.prefill != "full":
            raise ValueError(
                f"`layout='full'` with `rope='stored'` needs `prefill='full'`, got {self.prefill!r}: chunks read apart lie "
                "at the same positions."
            )
        if self.store == "text" and self.prefill == "full":
            raise ValueError(
                "`store='text'` reads selected chunks anew, which `prefill='full'` cannot; use 'independent' or 'sliding'."
            )
        if self.layout == "full" and self.reselect_every is not None:
            raise ValueError("`reselect_every` needs `layout='gather'`.")
