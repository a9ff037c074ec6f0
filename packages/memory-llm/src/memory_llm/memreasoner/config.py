"""Configuration of a MemReasoner model."""

from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

from memory_llm.sub_config import as_sub_config
from memory_llm.text_encoder import POOLINGS

CHOICES = {
    "pooling": POOLINGS,
    "temporal": ("bigru", "gru", "rope", "learned", "none"),
    "memory": ("slots", "kanerva"),
    "readout": ("hard", "soft", "topk"),
    "addressing": ("softmax", "entmax"),
    "conditioning": ("kv_prefix", "embeds"),
    "sf_loss": ("attention", "decode"),
    "on_long_line": ("truncate", "error", "split"),
}


class MemReasonerConfig(PreTrainedConfig):
    """An encoder of lines, a memory of them in their order, hops through it, and a decoder.

    Args:
        encoder: Config of the text encoder.
        decoder: Config of the causal language model.
        pooling: What of the encoder's last states becomes a vector: masked mean, first token, or BERT's pooler.
        latent_size: Width C of a line's latent; the encoder's if absent.
        temporal: What tells the order of lines: a recurrent net in both directions or forward only, rotations or learnt
            vectors by distance from the last line, or nothing.
        query_gated: Scale what enters the recurrent net by the line's likeness to the question, so that filler can be
            passed over. Ordered latents then depend on the question, and each question costs a scan of the memory.
        memory: "slots" addresses lines directly, "kanerva" through a matrix that they are written to.
        memory_slots: "kanerva": rows S of that matrix.
        pinv_steps: "kanerva": steps of the iteration for pseudo-inverses.
        num_hops: Reads of the memory, in training and, without ``max_hops``, in use.
        hop_alpha: How much of a readout is added to the question after each hop; its start if it is learnt.
        learn_alpha: Learn it.
        max_hops: In use, hop until the question stays as it is, but not more often.
        halt_tolerance: Relative change of the question below which it counts as staying; reading the same line twice
            in a row always does.
        readout: What the decoder gets in use: the latent of the best line, the weighted mean, or several latents.
        top_lines: "topk": how many.
        addressing: Weights by softmax, or by 1.5-entmax, which gives most lines exactly 0.
        addressing_temperature: What scores are divided by.
        conditioning: The latent as keys and values of a past position, or as the embedding of a first token.
        inject_embedding: Also add a map of the latent to all embeddings of tokens.
        share_embeddings: Encoder and decoder have one table of embeddings, so that what latents say of one word is of
            use to others; for parts from scratch with one vocabulary.
        sf_loss: Labelled lines are learnt by their weight, or by decoding them from the readouts.
        sf_weight: Of that loss.
        ae_weight: Of the loss for decoding lines from their own latents.
        kl_weight: "kanerva": of the divergence from the priors.
        answer_prompt: What the decoder reads before the answer; ``{question}`` stands for the question. The decoder
            learns words of lines by decoding lines, so a prompt that lines hold before the answer ("went to the")
            lets it answer with words that no training answer had; after the question itself it does so less often.
        fact_prompt: What it reads before a labelled line, for ``sf_loss='decode'``.
        max_lines: Most lines of one memory.
        max_line_tokens: Of the encoder.
        on_long_line: Cut longer lines with a warning, refuse them, or split them into several.

    Raises:
        ValueError: If a setting is out of its range.

    Source: MemReasoner (Das et al. 2025) and Larimar (Das et al. 2024), whose memory it extends. Most sizes and weights
    are not public; the defaults are ours, and ``query_gated``, "entmax", "topk" and "learned" are additions.
    """

    model_type = "memreasoner"
    sub_configs: ClassVar = {"encoder": AutoConfig, "decoder": AutoConfig}

    def __init__(
        self,
        encoder: PreTrainedConfig | dict[str, Any] | None = None,
        decoder: PreTrainedConfig | dict[str, Any] | None = None,
        *,
        pooling: str = "mean",
        latent_size: int | None = None,
        temporal: str = "bigru",
        query_gated: bool = False,
        memory: str = "slots",
        memory_slots: int = 512,
        pinv_steps: int = 15,
        num_hops: int = 1,
        hop_alpha: float = 1.0,
        learn_alpha: bool = True,
        max_hops: int | None = None,
        halt_tolerance: float = 0.0,
        readout: str = "hard",
        top_lines: int = 4,
        addressing: str = "softmax",
        addressing_temperature: float = 1.0,
        conditioning: str = "kv_prefix",
        inject_embedding: bool = True,
        share_embeddings: bool = False,
        sf_loss: str = "attention",
        sf_weight: float = 1.0,
        ae_weight: float = 1.0,
        kl_weight: float = 1e-3,
        answer_prompt: str = "{question}",
        fact_prompt: str = "",
        max_lines: int = 100_000,
        max_line_tokens: int = 64,
        on_long_line: str = "truncate",
        **arguments: Any,
    ):
        self.encoder, self.decoder = as_sub_config(encoder, "bert"), as_sub_config(decoder, "gpt2")
        self.pooling = pooling
        self.latent_size = self.encoder.hidden_size if latent_size is None else latent_size
        self.temporal, self.query_gated = temporal, query_gated
        self.memory, self.memory_slots, self.pinv_steps = memory, memory_slots, pinv_steps
        self.num_hops, self.hop_alpha, self.learn_alpha = num_hops, hop_alpha, learn_alpha
        self.max_hops, self.halt_tolerance = max_hops, halt_tolerance
        self.readout, self.top_lines = readout, top_lines
        self.addressing, self.addressing_temperature = addressing, addressing_temperature
        self.conditioning, self.inject_embedding = conditioning, inject_embedding
        self.share_embeddings = share_embeddings
        self.sf_loss, self.sf_weight, self.ae_weight, self.kl_weight = sf_loss, sf_weight, ae_weight, kl_weight
        self.answer_prompt, self.fact_prompt = answer_prompt, fact_prompt
        self.max_lines, self.max_line_tokens, self.on_long_line = max_lines, max_line_tokens, on_long_line
        self._check()
        super().__init__(**{**arguments, "tie_word_embeddings": share_embeddings})  # transformers' name for it

    def _check(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, got {getattr(self, name)!r}.")
        for name in ("latent_size", "memory_slots", "pinv_steps", "num_hops", "top_lines", "max_lines"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        if self.max_hops is not None and self.max_hops < 1:
            raise ValueError(f"`max_hops` must be at least 1 or None, got {self.max_hops}.")
        if self.max_line_tokens < 2:
            raise ValueError(f"`max_line_tokens` must be at least 2, got {self.max_line_tokens}.")
        for name in ("halt_tolerance", "sf_weight", "ae_weight", "kl_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}.")
        if self.addressing_temperature <= 0:
            raise ValueError(f"`addressing_temperature` must be positive, got {self.addressing_temperature}.")
        if self.temporal in ("bigru", "rope") and self.latent_size % 2:
            raise ValueError(
                f"`latent_size` must be even for `temporal={self.temporal!r}`, got {self.latent_size}; each direction or "
                "rotation takes half of it."
            )
        sizes = [(part.vocab_size, part.hidden_size) for part in (self.encoder, self.decoder)]
        if self.share_embeddings and sizes[0] != sizes[1]:
            raise ValueError(
                f"`share_embeddings` needs parts of one vocabulary and width, got {sizes[0]} and {sizes[1]}; leave it out "
                "for pretrained parts."
            )
        if self.query_gated and self.temporal not in ("bigru", "gru"):
            raise ValueError(
                f"`query_gated` needs a recurrent net, got `temporal={self.temporal!r}`; use 'bigru' or 'gru'."
            )
