"""Episodes to batches: chunks, question and answer as one sequence, with a gate for every token."""

from collections.abc import Sequence

import torch
from torch import Tensor

from memory_llm.epman.asking import QUESTION
from memory_llm.epman.chunk_mask import HEADER
from memory_llm.epman.chunk_mask import QUESTION as QUESTION_PART
from memory_llm.epman.chunk_reader import header_ids
from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.episode import Episode
from memory_llm.epman.episode_draws import Draw
from memory_llm.epman.model import EpMANForCausalLM
from memory_llm.epman.retrievers import DenseRetriever
from memory_llm.epman.selection import select


class EpisodeCollator:
    """Makes batches for :class:`EpMANObjective`.

    Chunks are laid out in the order and with the gates that the settings give them: noisy gates shuffle them.

    Args:
        model: Whose tokenizer, retriever and header.
        config: Of the selection, see :func:`training_config`.

    Attributes:
        num_cut: Chunks that had more tokens than a chunk holds and lost the rest.
        num_chunks: Chunks laid out.
    """

    def __init__(self, model: EpMANForCausalLM, config: EpMANConfig):
        self.model, self.config = model, config
        self.num_cut, self.num_chunks = 0, 0

    def __call__(self, draws: Sequence[Draw]) -> dict[str, Tensor]:
        """Tokens padded on the right, labels of the answer, gates, and, of a dense retriever, its vectors."""
        episodes = [draw.episode for draw in draws]
        tokenizer = self.model.tokenizer
        header = header_ids(tokenizer, self.config.header)
        rows, labels, gates, parts, vectors = [], [], [], [], []
        retriever = self.model.retriever
        for episode, seed in draws:
            encoded = retriever.encode_chunks(episode.chunks)
            scores = retriever.scores([episode.question], episode.chunks, encoded)[0]
            selection = select(scores, self.config, generator=torch.Generator().manual_seed(seed))
            ids, gate, part = list(header), [1.0] * len(header), [HEADER] * len(header)
            for chunk, opened in zip(selection.chunks.tolist(), selection.gates.tolist(), strict=True):
                tokens = self._tokens(episode.chunks[chunk])
                ids += tokens
                gate += [opened] * len(tokens)
                part += [chunk] * len(tokens)
            asked = tokenizer(QUESTION.format(episode.question), add_special_tokens=False)["input_ids"]
            said = tokenizer(f" {episode.answer}", add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
            rows.append(ids + asked + said)
            labels.append([-100] * (len(ids) + len(asked)) + said)
            gates.append(gate + [1.0] * (len(asked) + len(said)))
            parts.append(part + [QUESTION_PART] * (len(asked) + len(said)))
            vectors.append(encoded)
        batch = {
            "input_ids": _padded(rows, 0),
            "attention_mask": _padded([[1] * len(row) for row in rows], 0),
            "labels": _padded(labels, -100),
            "a_mem": _padded(gates, 1.0),
            "parts": _padded(parts, QUESTION_PART),
        }
        if isinstance(retriever, DenseRetriever):
            batch["question_vectors"] = retriever.encode_questions([episode.question for episode in episodes])
            batch["chunk_vectors"] = torch.nn.utils.rnn.pad_sequence(vectors, batch_first=True)
            batch["is_gold"] = _padded([_marks(episode) for episode in episodes], -1)
        return batch

    def _tokens(self, chunk: str) -> list[int]:
        ids = self.model.tokenizer(chunk, add_special_tokens=False)["input_ids"]
        self.num_chunks += 1
        self.num_cut += len(ids) > self.config.chunk_size
        return ids[: self.config.chunk_size]


def training_config(config: EpMANConfig, *, gates: str = "noisy", layout: str = "gather") -> EpMANConfig:
    """Settings of training: those of use, with other gates; noisy ones shuffle the chunks."""
    fields = {name: value for name, value in config.to_dict().items() if name in _KEPT}
    # A document read in windows is in training read in one pass: an episode's chunks are of many documents.
    prefill = "independent" if config.prefill == "independent" else "full"
    return EpMANConfig(**fields, prefill=prefill, layout=layout, a_mem_mode=gates)


_KEPT = ("chunk_size", "top_chunks", "attn_scope", "exact_weights", "exact_temperature", "header", "layers")


def _marks(episode: Episode) -> list[int]:
    """1 for the chunks with the answer, 0 for the others."""
    return [int(number in episode.gold) for number in range(len(episode.chunks))]


def _padded(rows: Sequence[Sequence[int]] | Sequence[Sequence[float]], fill: int | float) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[fill] * (width - len(row))] for row in rows])
