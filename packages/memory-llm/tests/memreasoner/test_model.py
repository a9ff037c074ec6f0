"""Losses are what they say, rows are independent, and models of stock parts are saved, loaded and asked."""

import copy

import pytest
import torch

from memory_llm.memreasoner import answering
from memory_llm.memreasoner.answering import first_sentence
from memory_llm.memreasoner.losses import token_loss
from memory_llm.memreasoner.model import MemReasonerForQA
from memory_llm.memreasoner.story_batch import StoryCollator
from memory_llm.memreasoner.story_examples import StoryExample


def batch_of(model, stories, *, labelled=True, autoencoded=()):
    examples = [
        StoryExample(story=story, labelled=labelled, autoencoded=tuple((line, 0) for line in autoencoded))
        for story in stories
    ]
    return StoryCollator(model.processor)(examples)


KANERVA = {"memory": "kanerva", "memory_slots": 8}


@torch.no_grad()
def test_the_loss_is_the_sum_of_its_weighted_parts(make_small, stories, filler):
    model = make_small(ae_weight=0.5, sf_weight=2.0)
    output = model(**batch_of(model, stories, autoencoded=filler))
    torch.testing.assert_close(output.loss, output.answer_loss + 0.5 * output.ae_loss + 2 * output.sf_loss)
    weights = output.hop_weights
    expected = -torch.stack([weights[0, 0, 2], weights[1, 0, 0]]).log().mean()
    torch.testing.assert_close(output.sf_loss, expected)
    assert not weights[1, :, 2].any()


@torch.no_grad()
def test_parts_are_cross_entropies_given_the_latents(make_small, stories):
    model = make_small(num_hops=1, readout="soft")
    batch = batch_of(model, stories[:1], autoencoded=["John got the milk."])
    output = model(**batch)
    written = model.processor.encoder_tokens(stories[0].lines)
    lines = model.encode(written.ids, written.mask)
    latent = output.hop_weights[0, 0] @ lines
    logits = model(batch["input_ids"], latents=latent[None, None]).logits.log_softmax(-1)[0]
    prompt = len(model.processor.prompt_ids(stories[0].question))
    answer = torch.tensor(model.processor.answer_ids("office"))
    expected = -logits[prompt - 1 : -1].gather(-1, answer[:, None]).mean()
    torch.testing.assert_close(output.answer_loss, expected)
    line = model.processor.encoder_tokens(["John got the milk."])
    ids, labels = (torch.tensor([part]) for part in model.processor.line_ids("John got the milk."))
    said = model(ids, latents=model.encode(line.ids, line.mask)[:, None]).logits
    torch.testing.assert_close(output.ae_loss, token_loss(said, labels))


@torch.no_grad()
def test_labelled_lines_may_be_decoded_from_what_hops_read(make_small, stories):
    model = make_small(sf_loss="decode", fact_prompt="Where is")
    batch = batch_of(model, stories)
    output = model(**batch)
    trace, _ = model.hop(
        *(lambda rows, query: (query, model.write_latents(rows, batch["line_mask"], query), rows))(
            *encoded(model, stories)
        )
    )
    ids, labels = model.processor.line_ids(stories[1].lines[0], prompt="Where is")
    said = model(torch.tensor([ids]), latents=trace.readouts[1:2, :1]).logits
    other_ids, other_labels = model.processor.line_ids(stories[0].lines[2], prompt="Where is")
    other = model(torch.tensor([other_ids]), latents=trace.readouts[:1, :1]).logits
    losses = [token_loss(said, torch.tensor([labels])), token_loss(other, torch.tensor([other_labels]))]
    counts = [sum(label >= 0 for label in row) for row in (labels, other_labels)]
    expected = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(output.sf_loss, expected)
    assert model(**batch_of(model, stories, labelled=False)).sf_loss is None


def encoded(model, stories):
    rows = [model.encode(*model.processor.encoder_tokens(story.lines)) for story in stories]
    query = model.encode(*model.processor.encoder_tokens([story.question for story in stories]))
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), query


@torch.no_grad()
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"memory": "kanerva", "memory_slots": 8},
        {"query_gated": True},
        {"addressing": "entmax"},
        {"readout": "topk", "top_lines": 3},
    ],
)
def test_rows_do_not_depend_on_their_batch(make_small, stories, settings):
    model = make_small(**settings)
    both = model(**batch_of(model, stories))
    for row, story in enumerate(stories):
        alone = model(**batch_of(model, [story]))
        lines = len(story.lines)
        torch.testing.assert_close(both.hop_weights[row, :, :lines], alone.hop_weights[0], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(both.logits[row], alone.logits[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("settings", [{}, KANERVA, {"temporal": "rope", "addressing": "entmax"}, {"readout": "topk"}])
def test_every_weight_learns(make_small, stories, filler, settings):
    model = make_small(**settings).train()
    model(**batch_of(model, stories, autoencoded=filler)).loss.backward()
    without = {name for name, part in model.named_parameters() if part.grad is None or not part.grad.any()}
    assert without == set()


def test_a_line_that_occurs_twice_is_encoded_as_one(make_small):
    model = make_small()
    tokens = model.processor.encoder_tokens(["Mary went.", "John got the milk.", "Mary went."])
    found = model.encode(*tokens)
    torch.testing.assert_close(found[0], found[2], rtol=0, atol=0)
    alone = model.encode(*model.processor.encoder_tokens(["Mary went."]))
    torch.testing.assert_close(found[:1], alone)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
@pytest.mark.parametrize(
    "settings",
    [{"conditioning": "embeds"}, {"temporal": "learned", "max_lines": 9}, {"pooling": "pooler", "latent_size": 12}],
)
def test_pretrained_parts_are_saved_loaded_and_asked(make_pretrained, stories, tmp_path, family, settings):
    model = make_pretrained(family, **settings)
    expected = model.answer(stories)
    model.save_pretrained(tmp_path)
    again = MemReasonerForQA.from_pretrained(tmp_path)
    assert again.answer(stories) == expected
    with torch.no_grad():
        # A copy, since products of weights that lie in memory as the file has them may differ in the last bit.
        losses = [one(**batch_of(one, stories)).loss for one in (model, copy.deepcopy(again))]
    assert torch.equal(*losses)
    assert again.fingerprint == model.fingerprint


def test_tied_weights_stay_tied(make_small, tmp_path):
    model = make_small()
    model.save_pretrained(tmp_path)
    again = MemReasonerForQA.from_pretrained(tmp_path)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight
    assert again.encoder.encoder.model.get_input_embeddings().weight is again.get_input_embeddings().weight
    assert torch.equal(again.get_input_embeddings().weight, model.get_input_embeddings().weight)
    apart = make_small(share_embeddings=False)
    assert apart.encoder.encoder.model.get_input_embeddings().weight is not apart.get_input_embeddings().weight


@torch.no_grad()
@pytest.mark.parametrize("readout", ["hard", "topk"])
def test_generation_says_what_the_best_next_tokens_are(make_pretrained, stories, readout):
    model = make_pretrained("llama", readout=readout)
    memory = model.write(stories[0].lines)
    questions = ["Where is Mary?", "Where is the milk of John?"]
    found = model.generate(query=questions, memory=memory, max_new_tokens=4)
    for row, question in enumerate(questions):
        prompt = torch.tensor([model.processor.prompt_ids(question)])
        alone = model.generate(query=question, memory=memory, max_new_tokens=4)
        batch = batch_of(model, stories[:1])
        _, read = model.hop(*single(model, memory, question))
        ids = prompt
        for _ in range(4):
            ids = torch.cat([ids, model(ids, latents=read.latents, latent_mask=read.mask).logits[:, -1:].argmax(-1)], 1)
        assert alone[0].tolist() == ids[0].tolist()[: alone.shape[1]]
        assert found[row, -4:].tolist() == ids[0, -4:].tolist()
        assert batch["labels"].shape == batch["input_ids"].shape


def single(model, memory, question):
    query = model.encode(*model.processor.encoder_tokens([question]))
    return query, memory.written, memory.latents[None]


def test_an_answer_ends_with_its_sentence():
    assert [first_sentence(text) for text in (" library . John", "3.5 apples!", "", "a b")] == [
        "library",
        "3.5 apples",
        "",
        "a b",
    ]


def test_answers_do_not_depend_on_the_batch_size(make_small, stories):
    model = make_small()
    many = [*stories, *stories[::-1]]
    assert model.answer(many, batch_size=1) == model.answer(many, batch_size=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"line_mask": torch.zeros(2, 3, dtype=torch.bool)}, "row 0 of `line_mask` masks all lines"),
        ({"supporting_facts": torch.tensor([[2, 0, 1], [0, -100, -100]])}, "labels 3 hops, but `num_hops` is 2"),
        ({"supporting_facts": torch.tensor([[2], [2]])}, "`supporting_facts` of row 1 names line 2, which is none of"),
        ({"supporting_facts": torch.tensor([[7], [0]])}, "`supporting_facts` of row 0 names line 7"),
        ({"line_input_ids": None}, "`line_input_ids` and masks are needed"),
        ({"query_input_ids": None}, "`query_input_ids` and mask are needed"),
    ],
)
def test_batches_that_cannot_be_are_refused(make_small, stories, change, message):
    model = make_small()
    with pytest.raises(ValueError, match=message):
        model(**{**batch_of(model, stories), **change})


def test_too_many_lines_and_none_are_refused(make_small, stories):
    model = make_small()
    batch = batch_of(model, stories)
    model.config.max_lines = 2
    with pytest.raises(ValueError, match="a row has 3 lines, but `max_lines` is 2"):
        model(**batch)
    model.config.max_lines = 3
    nothing = {name: batch[name][:, :0] for name in ("line_input_ids", "line_attention_mask", "line_mask")}
    with pytest.raises(ValueError, match="`line_mask` has no lines"):
        model(**{**batch, **nothing})


def test_an_encoder_of_another_width_and_a_model_without_tokenizers_are_refused(make_small, make_pretrained):
    small, other = make_small(), make_pretrained()
    other.config.encoder.hidden_size = 64
    with pytest.raises(ValueError, match="the encoder has width 16, but the config says 64"):
        MemReasonerForQA(other.config, other.encoder.encoder.model, other.decoder.decoder)
    with pytest.raises(ValueError, match="the model has no `processor`"):
        MemReasonerForQA(small.config).write(["Mary went."])


def test_texts_that_come_again_are_encoded_once(make_small, monkeypatch):
    model = make_small()
    encoded = []
    real = answering.encode_texts
    monkeypatch.setattr(answering, "encode_texts", lambda model, texts: encoded.extend(texts) or real(model, texts))
    remember = answering.RememberedLatents(model, most=3)
    texts = ["the fox ran .", "the dog sat .", "the fox ran ."]
    first = remember(texts)
    assert torch.equal(first[0], first[2])
    again = remember(["the sun is red .", "the dog sat ."])
    assert encoded == ["the fox ran .", "the dog sat .", "the sun is red ."]
    assert torch.equal(again[1], first[1])
    remember(["the day is warm ."])  # a fourth: all are forgotten
    assert torch.allclose(remember(texts), first, atol=1e-6)
    assert len(encoded) == 3 + 1 + 2
