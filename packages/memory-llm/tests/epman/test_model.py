"""EpMAN is the paper's formula, and where every gate is open it is the decoder itself."""

import itertools

import pytest
import torch

from gpu_commons.cache_name import cache_argument, cache_of
from memory_llm.epman.cache import EpMANCache

# More than there are means all of them, which is what several tests ask for.
pytestmark = pytest.mark.filterwarnings("ignore:`top_chunks` is")

WHOLE = {"prefill": "full", "layout": "full", "top_chunks": 99}
FAMILIES = ["llama", "qwen", "gptj", "gemma"]


def document_ids(memory):
    return torch.tensor([[token for chunk in memory.tokens for token in chunk]])


def logits(model, ids, memory, text="roses are", **arguments):
    with torch.no_grad():
        return model(ids, reading=model.read(text, memory), **arguments).logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", [*FAMILIES, "gpt2"])
def test_with_every_gate_open_it_is_the_decoder_after_the_document(make_epman, document, question, family, dtype):
    model = make_epman(family, dtype=dtype, **WHOLE, rope="stored" if family == "gpt2" else "on_read")
    memory = model.write(document)
    with torch.no_grad():
        read = model.decoder(document_ids(memory), use_cache=True)
        expected = model.decoder(question, **cache_argument(model.decoder.forward, cache_of(read))).logits
    assert torch.equal(logits(model, question, memory), expected)


def test_without_a_memory_it_is_the_decoder(make_epman, question):
    model = make_epman()
    assert torch.equal(model(question).logits, model.decoder(question).logits)
    plain = model.decoder.generate(question, max_new_tokens=4, do_sample=False)
    assert torch.equal(model.generate(question, max_new_tokens=4, do_sample=False), plain)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_gated_values_are_gated_weights_after_the_softmax(make_epman, document, question, attention):
    """The formula itself, applied to the first layer by hand: softmax(q k) * a, not made to add up to one again."""
    model = make_epman(attn_implementation=attention, **{**WHOLE, "top_chunks": 2, "attn_scope": "narrow"})
    memory = model.write(document)
    reading = model.read("roses are", memory)
    gate = reading.selections[0].gates.repeat_interleave(torch.tensor([len(chunk) for chunk in memory.tokens]))
    assert 0 < float(gate.sum()) < len(gate)
    layer, seen = model.decoder.model.layers[0], {}
    hook = layer.self_attn.o_proj.register_forward_pre_hook(lambda _, given: seen.update(found=given[0]))
    cache = EpMANCache(model.decoder.config)
    with torch.no_grad():
        model(question, reading=reading, cache=cache)
        hook.remove()
        ungated = make_epman(attn_implementation=attention, **WHOLE)
        open_cache = EpMANCache(model.decoder.config)
        ungated(question, reading=ungated.read("roses are", ungated.write(document)), cache=open_cache)
        hidden = layer.input_layernorm(model.decoder.model.embed_tokens(question))
        queries = layer.self_attn.q_proj(hidden).view(1, question.shape[1], 4, 8).transpose(1, 2)
        positions = torch.arange(len(gate), len(gate) + question.shape[1])[None]
        cos, sin = model.decoder.model.rotary_emb(hidden, positions)
        halves = queries.chunk(2, dim=-1)
        queries = queries * cos[:, None] + torch.cat([-halves[1], halves[0]], dim=-1) * sin[:, None]
        keys, values = (
            part.repeat_interleave(2, dim=1) for part in (open_cache.layers[0].keys, open_cache.layers[0].values)
        )
        scores = queries @ keys.mT / 8**0.5
        new = torch.arange(question.shape[1])
        hidden_ones = torch.cat([torch.zeros(len(new), len(gate)), (new[:, None] < new).float()], dim=-1).bool()
        weights = scores.masked_fill(hidden_ones, -torch.inf).softmax(-1) * torch.cat([gate, torch.ones(len(new))])
        expected = (weights @ values).transpose(1, 2).flatten(2)
    assert torch.allclose(seen["found"], expected, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_generation_with_the_cache_is_reading_everything_anew_at_each_step(make_epman, document, question, family):
    model = make_epman(family)
    memory = model.write(document)
    written = model.generate(question, memory=memory, max_new_tokens=32, do_sample=False, eos_token_id=-1)
    ids = question
    for _ in range(32):
        ids = torch.cat([ids, logits(model, ids, memory)[:, -1:].argmax(-1)], dim=-1)
    assert torch.equal(written, ids)


def test_rows_of_a_batch_are_what_they_are_alone(make_epman, document):
    model = make_epman()
    short, long = model.write(document[:60]), model.write(document)
    texts = ["roses are", "the fox and the dog in numbers"]
    batch = model.tokenizer(texts, return_tensors="pt", padding=True)
    together = model.generate(**batch, memory=[short, long], max_new_tokens=6, do_sample=False)
    for row, (text, memory) in enumerate(zip(texts, (short, long), strict=True)):
        ids = model.tokenizer(text, return_tensors="pt")["input_ids"]
        alone = model.generate(ids, memory=memory, max_new_tokens=6, do_sample=False)
        assert together[row, -6:].tolist() == alone[0, -6:].tolist()


def test_beams_and_samples_run_over_a_memory(make_epman, document, question):
    model = make_epman()
    memory = model.write(document)
    assert model.generate(question, memory=memory, num_beams=3, max_new_tokens=4).shape[1] <= question.shape[1] + 4
    torch.manual_seed(0)
    sampled = model.generate(question, memory=memory, do_sample=True, num_return_sequences=2, max_new_tokens=4)
    assert len(sampled) == 2


def test_all_chunks_broadly_gathered_are_the_whole_document(make_epman, document, question):
    gathered = make_epman(prefill="full", top_chunks=99, attn_scope="broad")
    whole = make_epman(**WHOLE)
    found = logits(gathered, question, gathered.write(document))
    assert torch.allclose(found, logits(whole, question, whole.write(document)), atol=1e-5)


def test_gathered_chunks_are_as_if_they_had_been_read_side_by_side(make_epman, question):
    """One layer, so that what a chunk knows of its neighbours does not matter: moved keys alone are judged."""
    model = make_epman(attn_scope="narrow", top_chunks=2)
    model.decoder.model.layers = model.decoder.model.layers[:1]
    model.decoder.config.num_hidden_layers = 1
    model = type(model).from_base(model.decoder, model.tokenizer, model.retriever, model.config)
    memory = model.write("roses are red here. " + "numbers such as 0 1 2. " * 6 + "the roses are lovely.")
    chunks = model.read("roses are", memory).selections[0].chunks.tolist()
    assert chunks[0] == 0
    assert chunks[-1] > 1
    ids = torch.tensor([[token for chunk in chunks for token in memory.tokens[chunk]] + question[0].tolist()])
    expected = model.decoder(ids).logits[:, -question.shape[1] :]
    assert torch.allclose(logits(model, question, memory), expected, atol=1e-4)


@pytest.mark.parametrize("settings", [{"store": "text"}, {"prefill": "sliding", "store": "text"}])
def test_chunks_read_anew_are_those_that_were_kept(make_epman, document, question, settings):
    kept = make_epman(**{**settings, "store": "kv"})
    anew = make_epman(**settings)
    found = logits(anew, question, anew.write(document))
    assert torch.allclose(found, logits(kept, question, kept.write(document)), atol=1e-5)


@pytest.mark.parametrize(("kv_format", "tolerance"), [("int8", 0.1), ("fp8", 0.5)])
def test_eight_bits_come_near(make_epman, document, question, kv_format, tolerance):
    plain, small = make_epman(), make_epman(kv_format=kv_format)
    memory = small.write(document)
    expected = logits(plain, question, plain.write(document))
    found = logits(small, question, memory)
    assert (found - expected).norm() < tolerance * expected.norm()
    assert not torch.equal(found, expected)
    assert memory.kv.nbytes < plain.write(document).kv.nbytes


def test_chunks_are_selected_anew_by_what_was_said(make_epman, document, question):
    model = make_epman(reselect_every=2, attn_scope="narrow", top_chunks=1)
    memory, asked = model.write(document), []
    scores = model.retriever.scores
    model.retriever.scores = lambda questions, *rest: asked.append(questions[0]) or scores(questions, *rest)
    model.generate(question, memory=memory, max_new_tokens=6, do_sample=False, eos_token_id=-1)
    assert len(asked) == 3
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(asked))


def test_gates_hold_in_the_layers_they_are_meant_for(make_epman, document, question):
    settings = {**WHOLE, "top_chunks": 1, "attn_scope": "narrow"}
    some, none, every = (make_epman(**settings, layers=layers) for layers in ([1], [], None))
    found = [logits(model, question, model.write(document)) for model in (some, none, every)]
    whole = make_epman(**WHOLE)
    assert torch.equal(found[1], logits(whole, question, whole.write(document)))
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    assert not torch.allclose(found[0], found[2], atol=1e-3)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda model, memory: model.write("  "), "document is empty"),
        (lambda model, memory: model.read([], memory), "`questions` is empty"),
        (lambda model, memory: model.read(["a", " "], memory), "question 1 is empty"),
        (lambda model, memory: model.read(["a", "b"], [memory]), "1 memories for 2 questions"),
        (
            lambda model, memory: model.generate(torch.tensor([[5]]), memory=memory, questions=["a", "b"]),
            "2 questions for 1",
        ),
    ],
)
def test_bad_questions_are_refused(make_epman, document, ask, message):
    model = make_epman()
    with pytest.raises(ValueError, match=message):
        ask(model, model.write(document))


def test_what_does_not_fit_is_refused(make_epman, document):
    with pytest.raises(ValueError, match="make chunks smaller"):
        make_epman(chunk_size=600)
    with pytest.raises(ValueError, match="reads it in one window of 512"):
        make_epman(prefill="full").write(document * 9)
    whole = make_epman(layout="full")
    with pytest.raises(ValueError, match="lays them all into a window of 512"):
        whole.read("roses are", whole.write(document * 9))
    with pytest.raises(ValueError, match="nothing can be put before its context"):
        make_epman("gemma-sliding")
    model = make_epman(reselect_every=1)
    with pytest.raises(ValueError, match="without beams"):
        model.generate(torch.tensor([[5]]), memory=model.write(document), num_beams=2)


def test_more_chunks_than_there_are_is_all_of_them(make_epman, question):
    model = make_epman(top_chunks=50)
    memory = model.write("roses are red.")
    with pytest.warns(UserWarning, match="`top_chunks` is 50, but a memory holds 1 chunks"):
        assert model.read("roses are", memory).selections[0].chunks.tolist() == [0]


def test_scores_that_are_not_one_a_chunk_are_refused(make_epman, document):
    model = make_epman()
    memory = model.write(document)
    model.retriever.scores = lambda questions, texts, encoded: torch.ones(1, 3)
    with pytest.raises(ValueError, match=r"scores of shape \(1, 3\) for 1 question and \d+ chunks"):
        model.read("roses are", memory)
