"""Segments, and what is handed from one to the next."""

import torch
from transformers import LlamaModel

from memory_llm.memreasoner.baselines.encoding import Sample
from memory_llm.memreasoner.baselines.rmt import even_cut, token_segments


def rows(model, stories):
    encoded = [model.encoder.story(each) for each in stories]
    return encoded, torch.tensor([model.sequence(each) for each in encoded])


def test_without_memory_tokens_one_segment_is_the_plain_decoder(make, stories):
    model = make("rmt", memory_tokens=0, segment_lines=9)
    plain = make("transformer")
    plain.load_state_dict({name: part for name, part in model.state_dict().items() if name != "memory"})
    encoded, ids = rows(model, stories)
    assert isinstance(plain.decoder, LlamaModel)
    assert torch.allclose(model.answer_logits(encoded), plain.answer_logits(encoded), atol=1e-5)
    assert torch.allclose(model.hidden(model.words(ids)), plain.hidden(plain.words(ids)), atol=1e-5)


def test_without_memory_tokens_nothing_is_handed_on(make, stories):
    """Both stories differ in the first line alone, which is a segment of its own."""
    pair = [
        stories[0],
        type(stories[0])(lines=(stories[2].lines[0], stories[0].lines[1]), question="Where?", answer="x"),
    ]
    pair[0] = type(pair[0])(lines=pair[0].lines, question="Where?", answer="x")
    for memory_tokens in (0, 2):
        model = make("rmt", memory_tokens=memory_tokens, segment_lines=1)
        one, other = model.answer_logits([model.encoder.story(each) for each in pair])
        assert torch.allclose(one, other, atol=1e-6) == (memory_tokens == 0)


def test_memory_is_the_states_after_a_segment(make, stories):
    """Against a plain loop over two segments of one story, without padding or masks."""
    model = make("rmt", segment_lines=1)
    story = model.encoder.story(stories[0])
    segments = [(model.tokenizer.bos_token_id, *story.lines[0]), (*story.lines[1], *story.question)]
    memory = model.memory[None]
    for segment in segments:
        vectors = torch.cat([memory, model.words(torch.tensor([segment])), memory], dim=1)
        states = model.decoder(inputs_embeds=vectors, use_cache=False).last_hidden_state
        memory = states[:, -2:]
    assert torch.allclose(model.answer_logits([story]), model.logits(states[:, -3]), atol=1e-5)


def test_gradients_go_back_through_all_segments(make, stories):
    model = make("rmt")
    story = model.encoder.story(stories[0])
    vectors = model.words(torch.tensor([model.sequence(story)])).detach().requires_grad_()
    segments = torch.tensor([token_segments(story, [0, 1])])
    model.read(vectors, segments)[0, -1].sum().backward()
    assert vectors.grad[0, : len(story.lines[0])].abs().amin(-1).min() > 0


def test_training_has_more_segments_as_it_goes_on(make, stories, filler):
    model = make("rmt", stage_steps=100)
    long = type(stories[0])(lines=filler * 2, question="Where?", answer="kitchen")
    encoded = model.encoder.story(long)

    def most(step):
        batch = [Sample(story=encoded, answer=1, step=step, seed=seed) for seed in range(40)]
        return {*(model.collate(batch)["segments"].amax(-1) + 1).tolist()}

    assert [most(step) for step in (0, 99, 100, 200, 5000)] == [{1, 2}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 4}]


def test_lines_are_cut_evenly():
    assert even_cut(5, 2) == [0, 0, 0, 1, 1]
    assert even_cut(2, 4) == [0, 1]
    assert even_cut(6, 3) == [0, 0, 1, 1, 2, 2]
