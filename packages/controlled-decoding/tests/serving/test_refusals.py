"""Every request that cannot be served gets its status and its sentence, in OpenAI's layout."""

import copy

import httpx
import pytest
from openai import APIStatusError, BadRequestError, NotFoundError

COMPLETION = {"model": "tiny", "prompt": "a"}
CHAT = {"model": "tiny", "messages": [{"role": "user", "content": "a"}]}


def turn(**fields) -> dict:
    return {"messages": [{"role": "user", "content": "a", **fields}]}


def post(served, content) -> httpx.Response:
    """What OpenAI's client would not send."""
    return httpx.post(f"{served.base_url}/completions", content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sasa": {"attribute": "rudeness"}}, "attribute 'rudeness'; this server steers 'toxicity', 'formality'"),
        ({"sasa": {"strengths": {"rude": 1}}}, "attribute 'rude'; this server steers 'toxicity', 'formality'"),
        ({"sasa": {"strength": -1}}, "`strength` must be finite and >= 0, got -1.0"),
        ({"sasa": {"strengths": {"toxicity": -0.5}}}, "`strength` must be finite and >= 0, got -0.5"),
        ({"sasa": {"strength": 1, "strengths": {}}}, "both `strengths` and `strength`"),
        ({"sasa": {"power": 1}}, "`sasa.power` is not valid: extra inputs are not permitted"),
        ({"sasa": 2}, "`sasa` is not valid"),
        ({"logprobs": 3}, "`logprobs` is not supported"),
        ({"echo": True}, "`echo` is not supported"),
        ({"frequency_penalty": 0.5}, "`frequency_penalty` is not supported"),
        ({"temprature": 1}, "`temprature` is not a known parameter; did you mean `temperature`?"),
        ({"temperature": 3}, "`temperature` is not valid: input should be less than or equal to 2, got 3"),
        ({"temperature": -1}, "greater than or equal to 0"),
        ({"top_p": 0}, "`top_p` is not valid"),
        ({"n": 0}, "`n` is not valid"),
        ({"n": 65}, "asks for 65 answers.*at most 64"),
        ({"stop": ""}, "`stop` takes up to 16 strings that are not empty"),
        ({"stop": ["x"] * 17}, "`stop` takes up to 16"),
        ({"stream_options": {"include_usage": True}}, "only allowed with `stream: true`"),
        ({"max_tokens": 0}, "`max_tokens` is not valid"),
        ({"max_tokens": 5000}, "`max_tokens` is 5000; this server generates at most 1024"),
        ({"max_tokens": 512}, "do not fit into the context of 512 tokens"),
        ({"prompt": "a " * 600}, "do not fit into the context of 512 tokens"),
        ({"prompt": ""}, "prompt 0 is empty"),
        ({"prompt": ["a", ""]}, "prompt 1 is empty"),
        ({"prompt": []}, "`prompt` is not valid"),
        ({"prompt": [5, 6]}, "`prompt.0` is not valid: input should be a valid string, got 5"),
        ({"prompt": None}, "`prompt` is missing"),
    ],
)
def test_completions_that_are_refused(served, change, sentence):
    with pytest.raises(BadRequestError, match=sentence) as refusal:
        served.client.post("/completions", body={**COMPLETION, **change}, cast_to=object)
    assert refusal.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "`tools` is not supported"),
        ({"response_format": {"type": "json_object"}}, "`response_format` is not supported"),
        ({"logprobs": True}, "`logprobs` is not supported"),
        ({"max_completion_tokens": 5000}, "is 5000; this server generates at most 1024"),
        (turn(content=[{"type": "image_url", "image_url": {"url": "x"}}]), "should be 'text', got 'image_url'"),
        (turn(role="tool"), "`messages.0.role` is not valid"),
        ({"messages": []}, "`messages` is not valid"),
        ({"messages": None}, "`messages` is missing"),
    ],
)
def test_chats_that_are_refused(served, change, sentence):
    with pytest.raises(BadRequestError, match=sentence):
        served.client.post("/chat/completions", body={**CHAT, **change}, cast_to=object)


@pytest.mark.parametrize("number", ["Infinity", "1e999", "NaN"])
def test_a_strength_that_is_no_finite_number_is_refused(served, number):
    """Such JSON comes from other clients; OpenAI's own refuses to write it."""
    reply = post(served, f'{{"model": "tiny", "prompt": "a", "sasa": {{"strength": {number}}}}}')
    assert reply.status_code == 400
    assert "`strength` must be finite and >= 0" in reply.json()["error"]["message"]


def test_values_that_ask_for_nothing_are_accepted(served):
    quiet = {
        "logprobs": None,
        "echo": False,
        "frequency_penalty": 0,
        "logit_bias": {},
        "user": "someone",
        "best_of": 1,
        "suffix": None,
    }
    assert served.ask(extra_body=quiet).choices[0].finish_reason == "length"


def test_an_unknown_model_is_named(served):
    with pytest.raises(NotFoundError, match="no model 'gpt-4'.*has 'tiny'") as refusal:
        served.ask(model="gpt-4")
    assert refusal.value.code == "model_not_found"


def test_an_unknown_path_and_broken_json_get_the_same_layout(served):
    assert httpx.get(f"{served.base_url}/embeddings").json()["error"]["message"] == "GET /v1/embeddings: Not Found."
    reply = post(served, "{")
    assert reply.status_code == 400
    assert "the body is not JSON" in reply.json()["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("factor", [1, 20])
def test_a_request_beyond_the_size_limit_gets_413(served, chunked, factor):
    """Whether it says its size beforehand or not, and whether it is a little too large or far too large."""
    body = b" " * (factor * served.engine.limits.max_body_bytes + 1)
    content = iter([body[: len(body) // 2], body[len(body) // 2 :]]) if chunked else body
    try:
        reply = post(served, content)
    except httpx.TransportError:
        assert factor == 20, "only what is far too large may be cut off without an answer"
    else:
        assert reply.status_code == 413
        assert "larger than 1048576 bytes" in reply.json()["error"]["message"]
    assert served.text(), "the server goes on"


def test_a_tokenizer_without_a_chat_template_is_sent_to_completions(serve, model, tokenizer, steering):
    bare = copy.deepcopy(tokenizer)
    bare.chat_template = None
    with (
        serve(copy.deepcopy(model), bare, steering) as running,
        pytest.raises(APIStatusError, match="no chat template; use /v1/completions"),
    ):
        running.client.chat.completions.create(**CHAT)
