"""A Larimar model with its two tokenizers: texts in, vectors and texts out."""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from gpu_commons import load_model, model_fingerprint, tokenizer_fingerprint
from gpu_commons.models import load_encoder
from memory_llm.larimar.addressing import KeySpace
from memory_llm.larimar.connector import TokenConnector
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.memory_config import MemoryConfig
from memory_llm.larimar.model import LarimarForCausalLM

CONNECTOR_FILE, CONFIG_FILE = "connector.safetensors", "larimar_config.json"
FORMAT_VERSION = 2
BUNDLED_CONNECTOR = "bundled"
ENCODER, DECODER = "bundled:minilm", "bundled:smollm2-135m-instruct"
NEUTRAL_TEXT = "Fact: the correct answer here is the following."


class Larimar:
    """Encoder, decoder and connector, with what turns texts into their tokens.

    Args:
        model: The model.
        encoder_tokenizer: Of its encoder.
        tokenizer: Of its decoder, padding on the left.
        key_mean: Mean encoding of many prompts, which least-squares memories subtract from keys; nothing if absent.
        provenance: What the connector was trained with, for records.
    """

    def __init__(
        self,
        model: LarimarForCausalLM,
        encoder_tokenizer: PreTrainedTokenizerBase,
        tokenizer: PreTrainedTokenizerBase,
        *,
        key_mean: Float[Tensor, " latent"] | None = None,
        provenance: dict[str, Any] | None = None,
    ):
        self.model, self.encoder_tokenizer, self.tokenizer = model, encoder_tokenizer, tokenizer
        self.key_mean, self.provenance = key_mean, dict(provenance or {})
        self._fingerprint: str | None = None

    @classmethod
    def from_base(
        cls,
        encoder: str = ENCODER,
        decoder: str = DECODER,
        *,
        device: str = "auto",
        dtype: str = "auto",
        **settings: Any,
    ) -> "Larimar":
        """An untrained connector between two pretrained models, both frozen unless the settings say otherwise.

        Args:
            encoder: Hub id, folder or ``bundled:minilm``.
            decoder: Hub id, folder, .gguf file or ``bundled:NAME``.
            device: "auto" or a torch device.
            dtype: Of the decoder; the rest is in float32.
            settings: Of :class:`LarimarConfig`.
        """
        encoding, encoder_tokenizer = load_encoder(encoder, device=device)
        language, tokenizer = load_model(decoder, device=device, dtype=dtype)
        model = LarimarForCausalLM.from_encoder_decoder(encoding, language, **settings)
        if isinstance(model.connector, TokenConnector):
            ids = tokenizer(NEUTRAL_TEXT, return_tensors="pt")["input_ids"][0]
            model.connector.start_from(language, ids)
        model.connector.to(language.device)
        return cls(model.eval(), encoder_tokenizer, tokenizer, provenance={"encoder": encoder, "decoder": decoder})

    @property
    def device(self) -> torch.device:
        """Where the decoder is."""
        return self.model.decoder.device

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of what makes keys and values: encoder, its tokenizer, and the decoder whose embeddings
        they hold.
        """
        if self._fingerprint is None:
            parts = [
                model_fingerprint(self.model.encoder.model),
                tokenizer_fingerprint(self.encoder_tokenizer),
                model_fingerprint(self.model.decoder),
                tokenizer_fingerprint(self.tokenizer),
                self.model.config.connector,
                str(self.model.config.value_size),
            ]
            self._fingerprint = hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
        return self._fingerprint

    # Texts to vectors

    @torch.inference_mode()
    def encode(
        self, texts: Sequence[str], *, batch_size: int = 256, truncate: bool = False
    ) -> Float[Tensor, "texts latent"]:
        """Encodings of texts, in float32.

        Raises:
            ValueError: If a text is empty, or longer than the encoder's window and ``truncate`` is off.
        """
        found = torch.empty(len(texts), self.model.config.latent_size)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        for start in range(0, len(texts), batch_size):
            rows = order[start : start + batch_size]
            tokens = self.encoder_tokens([texts[row] for row in rows], truncate=truncate)
            encoded = self.model.encode(**{name: part.to(self.device) for name, part in tokens.items()})
            found[rows] = encoded.float().cpu()
        return found

    def encoder_tokens(self, texts: Sequence[str], *, truncate: bool = False) -> dict[str, Tensor]:
        """Texts in the encoder's tokens, padded on the right."""
        limit = min(self.encoder_tokenizer.model_max_length, self.model.config.encoder.max_position_embeddings)
        for row, text in enumerate(texts):
            if not text.strip():
                raise ValueError(f"text {row} is empty; every fact and question needs words.")
        options: dict[str, Any] = {"padding": True, "padding_side": "right", "return_tensors": "pt"}
        tokens = self.encoder_tokenizer(
            list(texts), truncation=truncate, max_length=limit if truncate else None, **options
        )
        if (length := tokens["input_ids"].shape[1]) > limit:
            row = int(tokens["attention_mask"].sum(-1).argmax())
            raise ValueError(
                f"text {row} has {length} tokens, but the encoder reads {limit}; shorten it, split it, or truncate knowingly."
            )
        return {name: tokens[name] for name in ("input_ids", "attention_mask")}

    def target_ids(self, targets: Sequence[str], *, truncate: bool = False) -> Int[Tensor, "targets tokens"]:
        """Decoder tokens of targets and a full stop, -1 behind them.

        Raises:
            ValueError: If a target has more tokens than the connector has positions for.
        """
        length = self.model.config.target_tokens
        rows = torch.full((len(targets), length), -1)
        for row, target in enumerate(targets):
            ids = self.tokenizer(f" {target}.", add_special_tokens=False)["input_ids"]
            if len(ids) > length and not truncate:
                raise ValueError(
                    f"target {target!r} has {len(ids)} tokens with its full stop, but the connector was made for {length}; "
                    "shorten it or train a connector with larger `target_tokens`."
                )
            rows[row, : len(ids)] = torch.tensor(ids[:length])
        return rows

    @torch.inference_mode()
    def facts(
        self, prompts: Sequence[str], targets: Sequence[str], *, truncate: bool = False
    ) -> tuple[Float[Tensor, "facts latent"], Float[Tensor, "facts value"]]:
        """Keys and values that a memory is to hold of "prompt target." facts, with one call of the encoder each."""
        if self.model.config.connector == "linear":
            texts = [f"{prompt} {target}." for prompt, target in zip(prompts, targets, strict=True)]
            both = self.encode([*prompts, *texts], truncate=truncate)
            return both[: len(prompts)], both[len(prompts) :]
        target_ids = self.target_ids(targets, truncate=truncate)
        keys = self.encode(prompts, truncate=truncate)
        return keys, self.model.value(keys.to(self.device), target_ids.to(self.device)).cpu()

    def new_memory(self, **settings: Any) -> EpisodicMemory:
        """An empty memory whose sizes and fingerprint fit; settings are those of :class:`MemoryConfig`."""
        sizes = {"key_width": self.model.config.latent_size, "value_width": self.model.config.value_size}
        if self.model.config.connector == "linear":
            sizes["num_slots"] = self.model.config.memory_slots
        config = MemoryConfig(**{**sizes, **settings})
        centred = config.addressing in ("pinv", "gaussian") and self.key_mean is not None
        space = KeySpace(mean=self.key_mean if centred else None)
        references = None
        if config.addressing == "auto" and self.model.prior is not None:
            references = self.model.prior.detach().double()
        return EpisodicMemory(config, key_space=space, references=references, encoder=self.fingerprint)

    def load_memory(self, folder: str | os.PathLike[str]) -> EpisodicMemory:
        """A saved memory, refused if another encoder or decoder wrote it."""
        return EpisodicMemory.from_pretrained(folder, encoder=self.fingerprint)

    # Saving

    def save_connector(self, folder: str | os.PathLike[str]) -> Path:
        """Write what was trained between frozen models: the connector in float16, its settings and fingerprints."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"connector.{name}": part.half().cpu().contiguous()
            for name, part in self.model.connector.state_dict().items()
        }
        tensors |= {f"connector.{name}": part.float().cpu() for name, part in self.model.connector.named_buffers()}
        if self.key_mean is not None:
            tensors["key_mean"] = self.key_mean.float().cpu()
        settings = {
            name: getattr(self.model.config, name)
            for name in (
                "pooling",
                "latent_norm",
                "target_tokens",
                "positions_per_token",
                "connector_width",
                "connector_rank",
                "query_aware",
            )
        }
        config = {
            "format_version": FORMAT_VERSION,
            "fingerprint": self.fingerprint,
            "settings": {"connector": "tokens", **settings},
            "provenance": self.provenance,
        }
        save_file(tensors, target / f"{CONNECTOR_FILE}.partial")
        (target / f"{CONFIG_FILE}.partial").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for name in (CONNECTOR_FILE, CONFIG_FILE):
            os.replace(target / f"{name}.partial", target / name)
        return target

    @classmethod
    def from_connector(
        cls,
        source: str | os.PathLike[str] = BUNDLED_CONNECTOR,
        *,
        device: str = "auto",
        dtype: str = "auto",
        **bases: str,
    ) -> "Larimar":
        """Load a trained connector with the encoder and decoder it was trained for.

        Args:
            source: Folder of :meth:`save_connector`, or "bundled" for the one inside this package (MiniLM and SmolLM2).
            device: "auto" or a torch device.
            dtype: Of the decoder.
            bases: ``encoder=`` and ``decoder=``, where they lie elsewhere than at training.

        Raises:
            FileNotFoundError: If there is no connector.
            ValueError: If a file is damaged, or encoder or decoder are not those of training.
        """
        folder = (
            Path(str(files("memory_llm.larimar") / "connector")) if str(source) == BUNDLED_CONNECTOR else Path(source)
        )
        config, tensors = _read_connector(folder)
        provenance = config["provenance"]
        names = {part: bases.get(part, provenance[part]) for part in ("encoder", "decoder")}
        larimar = cls.from_base(**names, device=device, dtype=dtype, **config["settings"])
        larimar.key_mean, larimar.provenance = tensors.pop("key_mean", None), provenance
        state = {name.removeprefix("connector."): part.float() for name, part in tensors.items()}
        larimar.model.connector.load_state_dict(state)
        if larimar.fingerprint != config["fingerprint"]:
            raise ValueError(
                f"{folder} was trained for {provenance['encoder']} and {provenance['decoder']} with fingerprint "
                f"{config['fingerprint']}, but these give {larimar.fingerprint}; use those models or train a connector."
            )
        return larimar


def bundled_connector() -> Path:
    """Folder of the connector inside this package."""
    return Path(str(files("memory_llm.larimar") / "connector"))


def _read_connector(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    missing = [name for name in (CONFIG_FILE, CONNECTOR_FILE) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"no connector in {folder.absolute()}: {' and '.join(missing)} missing; make one with `memory-llm larimar train`."
        )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / CONNECTOR_FILE)
        version = config["format_version"]
    except (json.JSONDecodeError, SafetensorError, KeyError) as error:
        raise ValueError(f"{folder} holds no readable connector ({error}); train or copy it again.") from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{folder} has format version {version}, this package reads {FORMAT_VERSION}; use the memory-llm that wrote "
            "it, or train it again."
        )
    return config, tensors
