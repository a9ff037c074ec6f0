"""The sampler's plans agree with each other and with a naive re-reading of every candidate; strength 0 is plain
decoding.
"""

from dataclasses import replace
from functools import partial

import pytest
import torch
from transformers import DynamicCache, MaxLengthCriteria, StaticCache
from transformers.generation.streamers import BaseStreamer

from controlled_decoding.candidates import select_candidates
from controlled_decoding.config import SASAConfig, Schedule
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.rules import gibbs
from controlled_decoding.sampler import controlled_generate
from controlled_decoding.steering import Steering
from gpu_commons import decoder_of
from gpu_commons.cache_name import cache_argument
from gpu_commons.testing import tiny_model

FULL_ATTENTION = ["llama", "gpt2", "qwen", "gemma"]
STRONG = SASAConfig(strength=3.0, rule="identity", top_p=0.95, max_candidates=8)
NEW_TOKENS = 6


def steps_of(model, prompts, steering, **options):
    """Generate greedily and keep every step."""
    steps = []
    loop = partial(controlled_generate, steering=steering, observe=steps.append, plan=options.pop("plan", "auto"))
    sequences = model.generate(
        **prompts, custom_generate=loop, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None, **options
    )
    return sequences, steps


@torch.no_grad()
def naive_steps(model, prompts, steering):
    """Reference in the plainest terms: every candidate's whole text is read from scratch, row by row, without cache or
    padding.
    """
    site, subspace, config = steering.subspaces[0].site, steering.subspaces[0], steering.config
    texts = [
        row[mask.bool()].tolist() for row, mask in zip(prompts["input_ids"], prompts["attention_mask"], strict=True)
    ]
    margins = [[] for _ in texts]
    for row, text in enumerate(texts):
        for _ in range(NEW_TOKENS):
            logits = model(input_ids=torch.tensor([text]), use_cache=False).logits[0, -1:]
            candidates = select_candidates(logits, top_p=config.top_p, max_candidates=config.max_candidates)
            states = []
            for token in candidates.tokens[0].tolist():
                with site.listen(model) as tap:
                    decoder_of(model)(input_ids=torch.tensor([[*text, token]]), use_cache=False)
                states.append(tap.hidden[0, -1])
            f = torch.stack(states) @ subspace.weight - subspace.midpoint @ subspace.weight
            choice = int(gibbs(candidates.log_p[0], config.strength * f).argmax())
            margins[row].append(f)
            text.append(int(candidates.tokens[0, choice]))
    return texts, margins


@pytest.mark.parametrize("attn_implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FULL_ATTENTION)
def test_tree_and_copied_rows_equal_naive_reencoding(family, attn_implementation, prompts, make_subspace):
    """Same tokens, and margins within 1e-4 in float32, in a left-padded batch."""
    model = tiny_model(family, attn_implementation=attn_implementation)
    steering = Steering(make_subspace(model), STRONG)
    expected, margins = naive_steps(model, prompts, steering)
    for plan in ("tree", "batch"):
        sequences, steps = steps_of(model, prompts, steering, plan=plan)
        for row, text in enumerate(expected):
            assert sequences[row, -len(text) :].tolist() == text
            for step, reference in zip(steps, margins[row], strict=True):
                torch.testing.assert_close(step.margins[row, 0, : len(reference)], reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_earlier_layers_equal_naive_reencoding(layer, prompts, make_subspace):
    model = tiny_model()
    steering = Steering(make_subspace(model, layer=layer), STRONG)
    expected, _ = naive_steps(model, prompts, steering)
    sequences, _ = steps_of(model, prompts, steering)
    assert [row[-len(text) :].tolist() for row, text in zip(sequences, expected, strict=True)] == expected


@pytest.mark.parametrize("family", ["gemma-sliding", "mamba"])
def test_models_without_cutable_caches_are_steered_by_copied_rows(family, make_subspace):
    model = tiny_model(family)
    steering = Steering(make_subspace(model), STRONG)
    prompt = {"input_ids": torch.tensor([[5, 6, 7, 8, 9, 10]]), "attention_mask": torch.ones(1, 6, dtype=torch.long)}
    expected, _ = naive_steps(model, prompt, steering)
    sequences, _ = steps_of(model, prompt, steering)
    assert sequences[0].tolist() == expected[0]


@pytest.mark.parametrize("family", [*FULL_ATTENTION, "gemma-sliding"])
@pytest.mark.parametrize("do_sample", [False, True])
def test_strength_zero_is_token_identical_to_plain_generate(family, do_sample, prompts, tokenizer, make_subspace):
    model = tiny_model(family)
    options = {
        "max_new_tokens": 12,
        "do_sample": do_sample,
        "top_p": 0.9 if do_sample else None,
        "num_return_sequences": 2 if do_sample else 1,
    }
    torch.manual_seed(3)
    plain = model.generate(**prompts, **options)
    torch.manual_seed(3)
    steered = SASA(make_subspace(model), 0.0).generate(model, tokenizer, prompts, **options)
    assert torch.equal(steered, plain)


def test_logits_processor_takes_the_same_greedy_tokens_as_the_loop(model, subspace, prompts, tokenizer):
    sasa = SASA(subspace, config=STRONG)
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False}
    loop = sasa.generate(model, tokenizer, prompts, **options)
    cache = DynamicCache(config=model.config)
    processor = sasa.processor(model, prompts["attention_mask"], cache)
    assert torch.equal(
        model.generate(**prompts, **cache_argument(model.forward, cache), logits_processor=[processor], **options), loop
    )


@pytest.mark.parametrize("plan", ["tree", "batch"])
@pytest.mark.parametrize("beams", [1, 3])
def test_a_processor_that_reads_the_text_by_itself_says_the_same(plan, beams, model, subspace, prompts):
    sasa = SASA(subspace, config=STRONG, plan=plan)
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": beams, "eos_token_id": None}
    cache = DynamicCache(config=model.config)
    shared = sasa.processor(model, prompts["attention_mask"], cache)
    own = sasa.processor(model, prompts["attention_mask"])
    assert torch.equal(
        model.generate(**prompts, logits_processor=[own], **options),
        model.generate(**prompts, **cache_argument(model.forward, cache), logits_processor=[shared], **options),
    )


def test_a_processor_that_reads_by_itself_catches_up_with_steps_it_left_alone(model, subspace, prompts, tokenizer):
    late = Schedule(first=0.0, last=1.0, tokens=3)
    sasa = SASA(subspace, config=replace(STRONG, schedule=late))
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "eos_token_id": None}
    own = sasa.processor(model, prompts["attention_mask"])
    loop = sasa.generate(model, tokenizer, prompts, **options)
    assert torch.equal(model.generate(**prompts, logits_processor=[own], **options), loop)
    with pytest.raises(ValueError, match="make a new processor for each call"):
        model.generate(**prompts, logits_processor=[own], **options)


def test_sampled_sequences_follow_the_steered_distribution(model, subspace, tokenizer):
    """The first token of 4,000 draws has the frequencies of the Gibbs distribution (chi-square-like bound)."""
    prompt = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    steps = []
    torch.manual_seed(0)
    options = {"max_new_tokens": 1, "do_sample": True, "num_return_sequences": 4000}
    drawn = SASA(subspace, config=STRONG).generate(model, tokenizer, prompt, observe=steps.append, **options)[:, -1]
    q = steps[0].log_q[0].exp()
    frequency = torch.stack([(drawn == token).float().mean() for token in steps[0].candidates.tokens[0]])
    assert ((frequency - q).abs() <= 4.5 * (q * (1 - q) / 4000).sqrt() + 1e-9).all()
    assert frequency.sum() == pytest.approx(1.0), "only candidates are drawn"


def test_beams_through_the_processor_stay_comparable(model, subspace, prompts, tokenizer):
    """Each beam's scores are log-probabilities over its candidates, so a sequence's score is the sum of its steered
    log-probabilities.
    """
    sasa = SASA(subspace, config=STRONG)
    options = {
        "max_new_tokens": 4,
        "num_beams": 3,
        "do_sample": False,
        "return_dict_in_generate": True,
        "output_scores": True,
    }
    result = sasa.generate(model, tokenizer, prompts, eos_token_id=None, length_penalty=0.0, **options)
    assert torch.isfinite(result.sequences_scores).all()
    assert (result.sequences_scores <= 0).all()
    greedy = sasa.generate(model, tokenizer, prompts, max_new_tokens=4, do_sample=False, eos_token_id=None)
    assert result.sequences.shape == greedy.shape


def test_row_strengths_do_not_cross_talk(model, subspace, prompts, tokenizer):
    """A row's tokens depend on its own strength only: zero rows equal plain, the others equal the uniformly steered
    batch.
    """
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "eos_token_id": None}
    plain = model.generate(**prompts, **options)
    steered = SASA(subspace, config=STRONG).generate(model, tokenizer, prompts, **options)
    assert not torch.equal(plain, steered)
    strengths = torch.tensor([[0.0], [STRONG.strength], [0.0]])
    loop = partial(controlled_generate, steering=Steering(subspace, STRONG), strengths=strengths)
    mixed = model.generate(**prompts, custom_generate=loop, **options)
    assert torch.equal(mixed[0], plain[0])
    assert torch.equal(mixed[1], steered[1])
    assert torch.equal(mixed[2], plain[2])


def test_own_generators_make_a_row_independent_of_its_batch(model, subspace, prompts):
    def sampled(rows: slice) -> torch.Tensor:
        generators = [torch.Generator().manual_seed(10 + row) for row in range(3)][rows]
        loop = partial(controlled_generate, steering=Steering(subspace, STRONG), generators=generators)
        chosen = {name: tensor[rows] for name, tensor in prompts.items()}
        return model.generate(**chosen, custom_generate=loop, max_new_tokens=8, do_sample=True, eos_token_id=None)

    assert torch.equal(sampled(slice(0, 3))[1], sampled(slice(1, 2))[0])


def test_finished_rows_are_padded_and_scores_are_returned(model, subspace, prompts):
    steering = Steering(subspace, SASAConfig(strength=3.0, rule="identity", exempt_special=False))
    loop = partial(controlled_generate, steering=steering)
    free = model.generate(**prompts, custom_generate=loop, max_new_tokens=8, do_sample=False, eos_token_id=None)
    stop = int(free[0, 9])  # the first row ends at its third token
    options = {"return_dict_in_generate": True, "output_scores": True, "output_logits": True}
    result = model.generate(
        **prompts, custom_generate=loop, max_new_tokens=8, do_sample=False, eos_token_id=stop, pad_token_id=0, **options
    )
    assert (result.sequences[0, 10:] == 0).all()
    assert len(result.scores) == len(result.logits) == result.sequences.shape[1] - 7


def test_stopping_criteria_and_streamers_are_heard(model, subspace, tokenizer):
    class Collect(BaseStreamer):
        def __init__(self):
            self.tokens, self.ended = [], False

        def put(self, value):
            self.tokens.append(value.flatten().tolist())

        def end(self):
            self.ended = True

    streamer, prompt = (
        Collect(),
        {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)},
    )
    options = {
        "streamer": streamer,
        "stopping_criteria": [MaxLengthCriteria(7)],
        "max_new_tokens": 50,
        "do_sample": False,
    }
    sequences = SASA(subspace, config=STRONG).generate(model, tokenizer, prompt, **options)
    assert sequences.shape == (1, 7)
    assert [token for put in streamer.tokens for token in put] == sequences[0].tolist()
    assert streamer.ended


def test_a_cache_with_read_context_is_continued(model, subspace, tokenizer):
    """A second turn over the returned cache gives what one call over the whole text gives."""
    sasa, ids = SASA(subspace, config=STRONG), torch.tensor([[5, 6, 7, 8, 9, 10, 11]])
    whole = sasa.generate(
        model, tokenizer, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, max_new_tokens=5, do_sample=False
    )
    cache = DynamicCache(config=model.config)
    with torch.no_grad():
        model(input_ids=ids[:, :4], **cache_argument(model.forward, cache), use_cache=True)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **cache_argument(model.forward, cache)}
    assert torch.equal(sasa.generate(model, tokenizer, inputs, max_new_tokens=5, do_sample=False), whole)


def test_static_cache_is_served_by_copied_rows(model, subspace, prompts, tokenizer):
    sasa, options = SASA(subspace, config=STRONG), {"max_new_tokens": 4, "do_sample": False}
    expected = sasa.generate(model, tokenizer, prompts, **options)
    cache = StaticCache(config=model.config, max_cache_len=32)
    assert torch.equal(
        sasa.generate(model, tokenizer, {**prompts, **cache_argument(model.forward, cache)}, **options), expected
    )


def test_gate_leaves_desired_text_alone(model, subspace, prompts, tokenizer):
    """A gate below every log-odds never opens: plain decoding; one above every log-odds always does."""
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False}
    never = SASA(subspace, config=SASAConfig(strength=3.0, gate=-1e6)).generate(model, tokenizer, prompts, **options)
    assert torch.equal(never, model.generate(**prompts, **options))
    always = SASA(subspace, config=SASAConfig(strength=3.0, gate=1e6)).generate(model, tokenizer, prompts, **options)
    assert torch.equal(
        always, SASA(subspace, config=SASAConfig(strength=3.0)).generate(model, tokenizer, prompts, **options)
    )


def test_schedule_ends_in_plain_decoding(model, subspace, prompts):
    """With strength falling to 0 after two tokens, later steps try one candidate only."""
    config = SASAConfig(strength=3.0, schedule=Schedule(first=1.0, last=0.0, tokens=2))
    _, steps = steps_of(model, prompts, Steering(subspace, config))
    assert [step.margins is not None for step in steps] == [True, True, False, False, False, False]


def test_several_attributes_add_their_shifts(model, prompts, make_subspace):
    first, second = make_subspace(model, seed=1), make_subspace(model, seed=2, attribute="formality")
    config = SASAConfig(strength=2.0, rule="identity", exempt_special=False)
    _, steps = steps_of(model, prompts, Steering([first, second], config, weights=[1.0, 0.5]))
    step = steps[0]
    expected = gibbs(step.candidates.log_p, 2.0 * step.margins[:, 0] + 1.0 * step.margins[:, 1])
    torch.testing.assert_close(step.log_q, expected)


def test_what_the_loop_cannot_do_is_said(model, subspace, prompts):
    loop = partial(controlled_generate, steering=Steering(subspace))
    with pytest.raises(ValueError, match="beam"):
        model.generate(**prompts, custom_generate=loop, num_beams=2, max_new_tokens=2)
    with pytest.raises(ValueError, match="prompt is empty.*bos token"):
        model.generate(input_ids=torch.zeros(1, 0, dtype=torch.long), custom_generate=loop, max_new_tokens=2)
    right = {"input_ids": prompts["input_ids"].flip(1), "attention_mask": prompts["attention_mask"].flip(1)}
    with pytest.raises(ValueError, match="pad prompts on the left"):
        model.generate(**right, custom_generate=loop, max_new_tokens=2)
    cache = DynamicCache(config=model.config)
    gated = SASA(subspace, config=SASAConfig(gate=0.0)).processor(model, prompts["attention_mask"], cache)
    with pytest.raises(ValueError, match="gate.*controlled_generate"):
        model.generate(**prompts, **cache_argument(model.forward, cache), logits_processor=[gated], max_new_tokens=2)
    stray = SASA(subspace, 1.0).processor(model, prompts["attention_mask"], DynamicCache(config=model.config))
    with pytest.raises(ValueError, match="same cache object"):
        model.generate(**prompts, logits_processor=[stray], max_new_tokens=2)
