"""The prefix reaches the decoder, is released row by row, and leaves the base model as it is without it."""

import pytest
import torch

from gpu_commons.cache_name import cache_of
from gpu_commons.testing import tiny_model
from memory_llm.larimar.config import LarimarConfig
from memory_llm.larimar.connector import RELEASED, build_connector
from memory_llm.larimar.model import LarimarForCausalLM

FAMILIES = ("llama", "gpt2", "qwen", "gptj", "gemma")
CONNECTORS = ("tokens", "linear")


def inputs(model, *, seed=0):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 320, (2, 6), generator=generator)
    mask = torch.ones_like(ids)
    mask[1, :2] = 0
    latent = torch.randn(2, model.config.value_size, generator=generator)
    query = torch.randn(2, model.config.latent_size, generator=generator)
    return {"input_ids": ids, "attention_mask": mask, "latent": latent, "query": query}


def due_after(prompt, length):
    """What is due after each of so many tokens, of which the first are a prompt."""
    return (torch.arange(length) - prompt + 1).clamp(min=-1).expand(2, -1)


def greedy_by_hand(model, steps, *, input_ids, attention_mask, **memory):
    """Every token from a full pass over all that came before it."""
    prompt = input_ids.shape[1]
    for step in range(steps):
        due = due_after(prompt, prompt + step)[: len(input_ids)]
        logits = model(input_ids, attention_mask, due=due, **memory).logits[:, -1]
        input_ids = torch.cat([input_ids, logits.argmax(-1, keepdim=True)], dim=1)
        attention_mask = torch.nn.functional.pad(attention_mask, (0, 1), value=1)
    return input_ids


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("connector", CONNECTORS)
@torch.no_grad()
def test_greedy_generation_equals_full_passes(make_larimar, family, connector):
    model = make_larimar(family, connector=connector).model
    given = inputs(model)
    found = model.generate(**given, max_new_tokens=6, do_sample=False)
    assert torch.equal(found, greedy_by_hand(model, 6, **given))


@torch.no_grad()
def test_generation_without_padding_equals_full_passes(larimar):
    """Transformers drops a mask of ones on the way."""
    given = {name: part[:1] for name, part in inputs(larimar.model).items()}
    by_hand = greedy_by_hand(larimar.model, 6, **given)
    assert torch.equal(larimar.model.generate(**given, max_new_tokens=6, do_sample=False), by_hand)
    del given["attention_mask"]
    assert torch.equal(larimar.model.generate(**given, max_new_tokens=6, do_sample=False), by_hand)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_padding_changes_nothing(make_larimar, family):
    model = make_larimar(family).model
    given = inputs(model)
    batch = model(**given).logits[1]
    alone = model(
        **{
            name: part[1:] if name != "input_ids" else part[1:, 2:]
            for name, part in given.items()
            if name != "attention_mask"
        }
    )
    torch.testing.assert_close(batch[2:], alone.logits[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_without_memory_it_is_the_base_model_to_the_bit(make_larimar, family):
    model = make_larimar(family).model
    base = tiny_model(family)
    given = inputs(model)
    ids, mask = given["input_ids"], given["attention_mask"]
    assert torch.equal(model(ids, mask).logits, base(ids, attention_mask=mask).logits)
    arguments = {"attention_mask": mask, "max_new_tokens": 5, "do_sample": False}
    assert torch.equal(model.generate(ids, release_ids=[4], **arguments), base.generate(ids, **arguments))
    assert not torch.allclose(model(**given).logits, model(ids, mask).logits, atol=1e-2)


@pytest.mark.parametrize("connector", CONNECTORS)
@torch.no_grad()
def test_rows_have_memories_of_their_own(make_larimar, connector):
    model = make_larimar(connector=connector).model
    given = inputs(model)
    given["attention_mask"][:] = 1
    both = model(**given).logits
    for row in range(2):
        alone = model(**{name: part[row : row + 1] for name, part in given.items()}).logits
        torch.testing.assert_close(both[row : row + 1], alone, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_cached_steps_equal_one_pass(larimar):
    given = inputs(larimar.model)
    ids, mask, due = given.pop("input_ids"), given.pop("attention_mask"), due_after(3, 6)
    whole = larimar.model(ids, mask, due=due, **given).logits
    first = larimar.model(ids[:, :4], mask[:, :4], due=due[:, :4], **given)
    rest = larimar.model(ids[:, 4:], mask, due=due[:, 4:], cache=cache_of(first), **given)
    torch.testing.assert_close(rest.logits, whole[:, 4:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_context_is_read_without_memory(make_larimar, family):
    model = make_larimar(family).model
    given = inputs(model)
    ids, mask, due = given.pop("input_ids"), given.pop("attention_mask"), due_after(6, 6)
    whole = model(ids, mask, due=due, **given).logits
    torch.testing.assert_close(whole[0, :5], model(ids, mask).logits[0, :5], rtol=1e-4, atol=1e-4)
    context = model.read_context(ids[:, :4], mask[:, :4])
    tail = model(ids[:, 4:], mask, due=due[:, 4:], cache=context, **given).logits
    torch.testing.assert_close(tail, whole[:, 4:], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_token_sees_what_is_due_after_it_and_no_more(larimar):
    """Another second token of the target changes what is said after the first one has been said, and nothing else."""
    model = larimar.model
    given = inputs(model)
    ids, mask, latent = given.pop("input_ids"), given.pop("attention_mask"), given.pop("latent")
    changed = latent.clone()
    changed[:, 16 + 32 : 16 + 64] += 1  # encoding of 16, then embeddings of 32
    one, other = (model(ids, mask, latent=each, due=due_after(4, 6), **given).logits for each in (latent, changed))
    assert torch.equal(one[:, 2:4], other[:, 2:4])  # behind the padding
    assert (one[:, 4] - other[:, 4]).abs().amax(-1).min() > 1e-3


@torch.no_grad()
def test_a_shut_gate_leaves_the_base_model(make_larimar):
    model = make_larimar().model
    given = inputs(model)
    torch.nn.init.constant_(model.connector.gate[1].bias, -1e4)
    torch.testing.assert_close(
        model(**given).logits[:, 2:],
        model(given["input_ids"], given["attention_mask"]).logits[:, 2:],
        rtol=1e-4,
        atol=1e-4,
    )


@torch.no_grad()
def test_prefix_is_released_from_the_row_that_has_said_its_word(larimar):
    model = larimar.model
    given = inputs(model)
    free = model.generate(**given, max_new_tokens=6, do_sample=False)
    word = int(free[0, 7])  # row 0 says it as its second token
    found = model.generate(**given, max_new_tokens=6, do_sample=False, release_ids=[word])
    memory = {"latent": given["latent"], "query": given["query"]}
    ids, mask, new, cache = given["input_ids"], given["attention_mask"], given["input_ids"], None
    for step in range(6):
        released = (ids[:, 6:] == word).any(-1, keepdim=True)
        due = due_after(6, 6 + step)[:, -new.shape[1] :].masked_fill(released, RELEASED)
        output = model(new, mask, due=due, cache=cache, use_cache=True, **memory)
        new, cache = output.logits[:, -1:].argmax(-1), cache_of(output)
        ids = torch.cat([ids, new], dim=1)
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    assert torch.equal(found, ids)
    assert not torch.equal(found, free)


@torch.no_grad()
def test_beams_score_what_full_passes_score(larimar):
    model = larimar.model
    given = inputs(model)
    found = model.generate(
        **given,
        max_new_tokens=4,
        num_beams=3,
        do_sample=False,
        return_dict_in_generate=True,
        output_scores=True,
        length_penalty=0.0,
    )
    mask = torch.nn.functional.pad(given["attention_mask"], (0, found.sequences.shape[1] - 6), value=1)
    memory = {"latent": given["latent"], "query": given["query"], "due": due_after(6, found.sequences.shape[1])}
    logits = model(found.sequences, mask, **memory).logits.log_softmax(-1)
    chosen = logits[:, 5:-1].gather(-1, found.sequences[:, 6:, None]).squeeze(-1).sum(-1)
    torch.testing.assert_close(found.sequences_scores, chosen, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_sampling_follows_the_seed_and_the_memory(larimar):
    given = inputs(larimar.model)

    def drawn(**changes):
        torch.manual_seed(0)
        return larimar.model.generate(**{**given, **changes}, max_new_tokens=8, do_sample=True)

    assert torch.equal(drawn(), drawn())
    assert not torch.equal(drawn(), drawn(latent=-given["latent"]))


@torch.no_grad()
def test_paper_connector_ties_keys_to_values_and_shifts_embeddings(make_larimar):
    model = make_larimar(connector="linear").model
    latent = torch.randn(3, model.config.value_size)
    keys, values = model.connector(latent, None)
    assert keys.shape == (3, 3, 2, 1, 8)  # layers, batch, heads, positions, head
    assert torch.equal(keys, values)
    assert model.connector.shift(latent).shape == (3, 32)
    untied = make_larimar(connector="linear", tie_kv=False, inject_embedding=False).model
    keys, values = untied.connector(latent, None)
    assert not torch.equal(keys, values)
    assert untied.connector.shift(latent) is None


@torch.no_grad()
def test_zero_latent_is_not_the_base_model(make_larimar):
    """A key of zeros still takes attention: the paper's memory-less decoding is not the decoder."""
    model = make_larimar(connector="linear").model
    given = inputs(model)
    zero = model(given["input_ids"], given["attention_mask"], latent=torch.zeros_like(given["latent"])).logits
    base = model(given["input_ids"], given["attention_mask"]).logits
    assert float((zero - base)[0].abs().max()) > 1e-2


@torch.no_grad()
def test_start_is_real_keys_of_the_decoder(make_larimar):
    larimar = make_larimar()
    connector = larimar.model.connector
    ids = torch.tensor([5, 6, 7, 8, 9])
    connector.start_from(larimar.model.decoder, ids)
    attention = larimar.model.decoder.model.layers[0].self_attn
    hidden = larimar.model.decoder.model.layers[0].input_layernorm(larimar.model.decoder.model.embed_tokens(ids[-2:]))
    expected = attention.k_proj(hidden)  # [2, heads x head], not rotated
    found = connector.base.view(2, 2, 3, 2, 8)[:, 0, 0].reshape(2, -1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_frozen_parts_stay_frozen_and_in_eval_mode(larimar):
    model = larimar.model.train()
    assert not model.decoder.training
    assert not model.encoder.model.training
    trained = {name.split(".")[0] for name, part in model.named_parameters() if part.requires_grad}
    assert trained == {"connector"}
    larimar.model.eval()


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("connector", CONNECTORS)
@torch.no_grad()
def test_saved_model_loads_with_the_same_logits(make_larimar, family, connector, tmp_path):
    model = make_larimar(family, connector=connector).model
    model.save_pretrained(tmp_path)
    loaded = LarimarForCausalLM.from_pretrained(tmp_path)
    given = inputs(model)
    assert torch.equal(loaded(**given).logits, model(**given).logits)
    assert torch.equal(loaded.generate(**given, max_new_tokens=4), model.generate(**given, max_new_tokens=4))


@pytest.mark.parametrize("family", ["gemma-sliding", "mamba"])
def test_decoders_whose_cache_takes_no_prefix_are_refused(make_larimar, family):
    with pytest.raises(ValueError, match="nothing can be put before its context; use a full-attention decoder such as"):
        make_larimar(family)


def test_attention_without_4d_masks_is_refused():
    decoder = tiny_model()
    decoder.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match="'flash_attention_2' takes no 4-D mask.*attn_implementation='sdpa'"):
        build_connector(LarimarConfig(decoder=decoder.config), decoder)


def test_unknown_choices_are_named():
    with pytest.raises(ValueError, match="`pooling` must be one of mean, cls, pooler, got 'max'"):
        LarimarConfig(pooling="max")
    with pytest.raises(ValueError, match="`connector` must be one of tokens, linear, got 'deep'"):
        LarimarConfig(connector="deep")
