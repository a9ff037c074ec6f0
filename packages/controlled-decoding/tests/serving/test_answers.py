"""Answers through OpenAI's client: right in content, whoever shares the batch."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from controlled_decoding.methods.sasa import SASA
from controlled_decoding.steering import Steering
from gpu_commons.testing import tiny_model

CHAT = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "tell me of the roses"}]


def streamed(stream) -> tuple[str, list]:
    chunks = list(stream)
    texts = [
        choice.text if hasattr(choice, "text") else choice.delta.content for chunk in chunks for choice in chunk.choices
    ]
    return "".join(text or "" for text in texts), chunks


def generated(reference, tokenizer, prompt: str, generate) -> str:
    inputs = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
    sequences = generate(reference, tokenizer, inputs, max_new_tokens=12, do_sample=False)
    return tokenizer.decode(sequences[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def plain(model, tokenizer, inputs, **options):
    return model.generate(**inputs, **options)


def test_strength_zero_equals_plain_generate(served, reference, tokenizer):
    for prompt in ("the quick brown", "numbers such as", "a model reads"):
        assert served.text(prompt, strength=0) == generated(reference, tokenizer, prompt, plain)


def test_a_steered_answer_equals_the_library(served, reference, tokenizer, steering):
    sasa = SASA(steering.subspaces, config=steering.config)
    expected = generated(reference, tokenizer, "the quick brown", sasa.generate)
    assert served.text("the quick brown") == expected
    assert served.text("the quick brown", strength=0) != expected, "steering does something here"


def test_chat_is_the_completion_of_the_rendered_conversation(served, tokenizer):
    prompt = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, tokenize=False)
    chat = served.client.chat.completions.create(model="tiny", messages=CHAT, temperature=0, max_completion_tokens=12)
    assert chat.choices[0].message.role == "assistant"
    assert chat.choices[0].message.content == served.text(prompt)
    assert chat.choices[0].finish_reason == "length"


def test_parts_and_developer_messages_are_read_as_text(served):
    parts = [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": CHAT[1]["content"]}]},
    ]
    answers = [
        served.client.chat.completions.create(model="tiny", messages=turns, temperature=0, max_tokens=8, user="someone")
        for turns in (CHAT, parts)
    ]
    assert answers[0].choices[0].message.content == answers[1].choices[0].message.content


def test_streams_equal_whole_answers(served):
    sampled = {"temperature": 1.0, "seed": 5, "max_tokens": 40}
    text, chunks = streamed(served.ask(stream=True, **sampled))
    assert text == served.text(**sampled)
    assert len(chunks) > 10
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:]] == [None, "length"]

    options = {"model": "tiny", "messages": CHAT, **sampled}
    text, chunks = streamed(
        served.client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **options)
    )
    whole = served.client.chat.completions.create(**options)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].choices == []


def test_usage_counts_tokens(served, tokenizer):
    prompts = ["the quick brown", "a model"]
    usage = served.ask(prompts, n=3).usage
    assert usage.prompt_tokens == sum(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
    assert usage.completion_tokens == 2 * 3 * 12
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_several_choices_and_prompts_come_in_order(served):
    """Answer i of prompt p is what seed + i gives for p alone."""
    prompts, options = ["the quick brown", "a model"], {"temperature": 1.0}
    choices = served.ask(prompts, n=2, seed=7, **options).choices
    assert [choice.index for choice in choices] == [0, 1, 2, 3]
    alone = [served.text(prompt, seed=7 + index, **options) for prompt in prompts for index in range(2)]
    assert [choice.text for choice in choices] == alone
    assert len(set(alone)) == 4
    parts = dict.fromkeys(range(4), "")
    for chunk in served.ask(prompts, n=2, seed=7, stream=True, **options):
        parts[chunk.choices[0].index] += chunk.choices[0].text
    assert list(parts.values()) == alone


def test_a_seed_repeats_an_answer(served):
    assert served.text(temperature=1.0, seed=3) == served.text(temperature=1.0, seed=3)
    assert len({served.text(temperature=1.0) for _ in range(4)}) > 1, "without a seed answers differ"


def test_mixed_requests_at_once_equal_the_same_requests_alone(served):
    """Strengths, attributes, temperatures, nuclei and lengths differ; every answer is the one it gets by itself."""
    prompts = ["the quick brown", "a model reads a text token by token, and every", "numbers", "Kindly help me"]
    steers = [
        {"strength": 0},
        {"strength": 6},
        {"strength": 4, "attribute": "formality"},
        {"strengths": {"toxicity": 2, "formality": 0.5}},
        None,
    ]
    draws = [{"temperature": 0}, {"temperature": 0.6, "top_p": 0.3}, {"temperature": 1.3}]
    requests = [
        {
            "prompt": prompts[index % 4],
            "max_tokens": 6 + index % 7,
            "seed": index,
            **draws[index % 3],
            "extra_body": {"sasa": steers[index % 5]},
        }
        for index in range(30)
    ]
    alone = [served.text(**request) for request in requests]
    with ThreadPoolExecutor(12) as pool:
        together = list(pool.map(lambda request: served.text(**request), requests))
    assert together == alone
    assert len(set(alone)) > 20


@pytest.mark.parametrize(
    ("sasa", "strengths"),
    [
        (None, {"toxicity": 3.0, "formality": 3.0}),
        ({"strength": 2}, {"toxicity": 2.0, "formality": 2.0}),
        ({"strength": 2, "attribute": "formality"}, {"formality": 2.0}),
        ({"attribute": "formality"}, {"formality": 3.0}),
        ({"strengths": {"toxicity": 1.5}}, {"toxicity": 1.5}),
        ({"strengths": {}}, {"toxicity": 0.0}),
    ],
)
def test_ways_to_name_strengths(served, sasa, strengths):
    """Each equals the long form, which gives a strength per attribute; what is not named is not steered."""
    answers = [
        served.text(temperature=1.0, seed=1, max_tokens=24, extra_body={"sasa": form})
        for form in (sasa, {"strengths": strengths})
    ]
    assert answers[0] == answers[1]


def test_a_stop_string_ends_the_answer_and_never_shows(served):
    whole = served.text(max_tokens=40, strength=0)
    stop = whole[6:9]
    expected = whole[: whole.index(stop)]
    answer = served.ask(max_tokens=40, strength=0, stop=["not in there", stop])
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (expected, "stop")
    assert answer.usage.completion_tokens < 40
    text, chunks = streamed(served.ask(max_tokens=40, strength=0, stop=stop, stream=True))
    assert (text, chunks[-1].choices[0].finish_reason) == (expected, "stop")


def test_an_end_token_ends_the_answer_as_it_does_for_generate(serve, reference, tokenizer, steering, monkeypatch):
    inputs = tokenizer("the quick brown", return_tensors="pt", return_token_type_ids=False)
    end = int(reference.generate(**inputs, max_new_tokens=5, do_sample=False)[0, -1])
    monkeypatch.setattr(reference.generation_config, "eos_token_id", [2, end])
    expected = reference.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    with serve(reference, tokenizer, steering) as running:
        answer = running.ask(strength=0)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == len(expected) <= 5
    assert answer.choices[0].text == tokenizer.decode(expected[:-1])


@pytest.mark.parametrize("family", ["gemma-sliding", "mamba"])
def test_models_whose_caches_cannot_grow_are_served_batch_after_batch(family, serve, tokenizer, make_subspace):
    model = tiny_model(family)
    requests = [
        {"prompt": prompt, "strength": strength, "max_tokens": 6}
        for prompt in ("the quick", "a model reads a text")
        for strength in (0, 3)
    ]
    with serve(model, tokenizer, Steering(make_subspace(model))) as running:
        alone = [running.text(**request) for request in requests]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda request: running.text(**request), requests)) == alone


def test_models_are_listed_with_their_default_strengths(served):
    (listed,) = served.client.models.list().data
    assert listed.id == "tiny"
    assert listed.sasa == {"strengths": {"toxicity": 3.0, "formality": 3.0}}


def test_hooks_are_gone_when_the_engine_rests(served, model):
    served.text()
    end = time.monotonic() + 10
    while model.get_decoder()._forward_hooks:
        assert time.monotonic() < end
        time.sleep(0.01)
