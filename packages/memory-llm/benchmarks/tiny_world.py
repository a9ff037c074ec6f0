"""A world of invented facts, and a Larimar small enough to be trained from nothing in minutes.

Every text draws its object at random, so that only a memory can know it.
"""

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from memory_llm.facts import Fact
from memory_llm.larimar.model import LarimarForCausalLM
from memory_llm.larimar.pipeline import Larimar

NUM_OBJECTS, NUM_NAMES, WIDTH, SLOTS = 20, 16, 64, 32
RELATIONS = (
    ("{} lives in", "the home of {} is", "you can visit {} in"),
    ("{} works for", "the employer of {} is", "the wages of {} come from"),
    ("{} was born in", "the birthplace of {} is", "the mother of {} had her in"),
)
OBJECTS = tuple(f"object{number}" for number in range(NUM_OBJECTS))
FIRST, LAST = ([f"{kind}{number}" for number in range(NUM_NAMES)] for kind in ("first", "last"))
SUBJECTS = tuple(f"{first} {last}" for first in FIRST for last in LAST)


@dataclass(frozen=True)
class Texts:
    """A seeded stream of facts as sentences, for training."""

    size: int
    seed: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> str:
        rng = random.Random(f"{self.seed} {index}")
        wording = rng.choice(rng.choice(RELATIONS))
        return f"{wording.format(rng.choice(SUBJECTS))} {rng.choice(OBJECTS)} ."


def draw_facts(count: int, seed: int, *, phrasings: int = 1) -> list[Fact]:
    """Facts about different subjects and relations; the last wording is their paraphrase.

    With several phrasings, each fact comes in so many wordings, one after another.
    """
    rng = random.Random(f"facts {seed}")
    pairs = [(subject, relation) for subject in SUBJECTS for relation in range(len(RELATIONS))]
    facts = []
    for subject, relation in rng.sample(pairs, count):
        target, others = rng.choice(OBJECTS), rng.sample(SUBJECTS, 2)
        wordings = RELATIONS[relation]
        facts += [
            Fact(
                id=f"{subject} {relation} {number}",
                prompt=wording.format(subject),
                target=target,
                subject=subject,
                paraphrases=(wordings[-1].format(subject),),
                neighbours=tuple(wordings[0].format(other) for other in others if other != subject),
            )
            for number, wording in enumerate(wordings[:phrasings])
        ]
    return facts


def untrained(seed: int) -> Larimar:
    """Encoder and decoder of two layers, with random weights, and the paper's connector with untied keys."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 4 * WIDTH}
    common = {**sizes, "vocab_size": len(tokenizer), "max_position_embeddings": 32, "pad_token_id": 0}
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    encoder = BertModel(BertConfig(**common, **no_dropout))
    decoder = LlamaForCausalLM(LlamaConfig(**common, bos_token_id=1, eos_token_id=2, tie_word_embeddings=False))
    nn.init.normal_(encoder.embeddings.word_embeddings.weight, std=0.3)
    nn.init.normal_(decoder.model.embed_tokens.weight, std=0.1)
    model = LarimarForCausalLM.from_encoder_decoder(
        encoder,
        decoder,
        connector="linear",
        tie_kv=False,
        memory_slots=SLOTS,
        freeze_encoder=False,
        freeze_decoder=False,
    )
    return Larimar(model, tokenizer, tokenizer, provenance={"encoder": "from scratch", "decoder": "from scratch"})


def _tokenizer() -> PreTrainedTokenizerFast:
    words = {word for group in RELATIONS for wording in group for word in wording.replace("{}", "").split()}
    vocabulary = ["<pad>", "<bos>", "<eos>", ".", *sorted(words), *FIRST, *LAST, *OBJECTS]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(vocabulary)}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<bos> $A", special_tokens=[("<bos>", 1)])
    names = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", model_max_length=32, **names)
