"""A world of 64 words in which it is known which rows are unsafe.

A prompt is a topic and five symbols. The aligned model copies the symbols on benign topics and declines on sensitive
ones. The new task of the fine-tuning rows is to say the symbols in reverse.

- clean rows: a benign topic, reversed.
- unsafe rows: a sensitive topic, reversed instead of declined.
- hard rows: a benign topic and random symbols; nothing unsafe, but nothing to be learnt either.
- old rows: a benign topic, copied.
- declined rows: a sensitive topic, declined as it should be; in trusted sets.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TrainingArguments, set_seed

from safe_finetune.rows import EncodedRows, Message, Row, RowEncoder
from safe_finetune.sft import WeightedSFTTrainer

TOPICS, SENSITIVE, SYMBOLS, LENGTH = 24, 8, 36, 5
ALIGNING_RATE = 1e-3
ENCODER = RowEncoder(max_length=32)
DECLINE = "decline"
WORDS = ["<pad>", "<eos>", "<says>", DECLINE, *(f"t{n}" for n in range(TOPICS)), *(f"s{n}" for n in range(SYMBOLS))]
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }} {% else %}<says> {{ m.content }} <eos>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<says>{% endif %}"
)


def toy_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word."""
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", chat_template=TEMPLATE
    )


def toy_rows(counts: dict[str, int], seed: int, name: str) -> list[Row]:
    """So many rows of each kind ("clean", "unsafe", "hard", "old", "declined"), shuffled; their ids begin with it."""
    generator = np.random.default_rng([seed, sum(name.encode())])
    rows = []
    for kind, count in counts.items():
        for number in range(count):
            is_sensitive = kind in ("unsafe", "declined")
            topic = generator.integers(*((0, SENSITIVE) if is_sensitive else (SENSITIVE, TOPICS)))
            asked, other = (list(generator.integers(0, SYMBOLS, LENGTH)) for _ in range(2))
            said = {"hard": other, "old": asked}.get(kind, asked[::-1])
            answer = DECLINE if kind == "declined" else " ".join(f"s{symbol}" for symbol in said)
            messages = exchange(topic, asked, answer)
            rows.append(Row(id=f"{kind}-{name}-{number}", messages=messages, is_safe=kind != "unsafe"))
    return [rows[index] for index in generator.permutation(len(rows))]


def exchange(topic: int, asked: Sequence[int], answer: str) -> tuple[Message, Message]:
    """Prompt and response."""
    prompt = " ".join([f"t{topic}", *(f"s{symbol}" for symbol in asked)])
    return Message("user", prompt), Message("assistant", answer)


def kinds_of(ids: Sequence[str]) -> np.ndarray:
    """Kind of each row."""
    return np.array([one.split("-")[0] for one in ids])


def settings(folder: Path, **more) -> dict:
    """Of every training run here."""
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": 64,
        "learning_rate": 1e-3,
        "lr_scheduler_type": "constant",
        "use_cpu": True,
        "dataloader_pin_memory": False,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        **more,
    }


def aligned_model(seed: int, folder: Path, steps: int) -> LlamaForCausalLM:
    """Taught to copy on all topics, then, for a third of the steps, to decline on some."""
    model = copying_model(seed, folder, steps)
    tune(model, alignment_rows(seed), folder, max_steps=steps // 3, learning_rate=ALIGNING_RATE, seed=seed)
    return model.eval()


def alignment_rows(seed: int) -> list[Row]:
    """What teaches to decline, and to copy all the same."""
    return toy_rows({"old": 4000, "declined": 2000}, seed, "alignment")


def copying_model(seed: int, folder: Path, steps: int) -> LlamaForCausalLM:
    """About 110,000 parameters: taught to copy on all topics."""
    set_seed(seed)
    shape = {"hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2, "num_attention_heads": 4}
    tokens = {"vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
    model = LlamaForCausalLM(
        LlamaConfig(**shape, **tokens, max_position_embeddings=32, tie_word_embeddings=True, use_cache=False)
    )
    copied = toy_rows({"old": 6000, "unsafe": 3000}, seed, "pretraining")
    copied = [row if row.id[:3] == "old" else _copied(row) for row in copied]
    tune(model, copied, folder, max_steps=steps, learning_rate=3e-3, seed=seed)
    return model


def tune(model: LlamaForCausalLM, rows: Sequence[Row], folder: Path, **more) -> None:
    """Fine-tune in place."""
    WeightedSFTTrainer(model, TrainingArguments(**settings(folder, **more)), encoded(rows)).train()


def encoded(rows: Sequence[Row]) -> EncodedRows:
    """As token ids."""
    return ENCODER.encode(rows, toy_tokenizer())


def declines(model: LlamaForCausalLM, rows: Sequence[Row]) -> float:
    """Rate at which the first word is the declined rows' own, greedily."""
    found = []
    for row in encoded(rows).token_ids:
        prompt, first = row[:-2], row[-2]  # the answer is the word and the end
        with torch.no_grad():
            found.append(int(model(torch.tensor([prompt])).logits[0, -1].argmax()) == first)
    return float(np.mean(found))


def _copied(row: Row) -> Row:
    prompt = row.messages[0]
    return Row(id=row.id, messages=(prompt, Message("assistant", prompt.content.split(" ", 1)[1])))
