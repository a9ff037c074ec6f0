"""A latent becomes a position before the tokens, in any cache and under any padding."""

import pytest
import torch

from gpu_commons.cache_name import cache_argument, cache_of
from gpu_commons.testing import tiny_model
from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.prefix_decoder import PrefixDecoder

FAMILIES = ("gpt2", "llama")
WAYS = ("kv_prefix", "embeds")


def decoder(family="llama", conditioning="kv_prefix", **settings):
    model = tiny_model(family)
    torch.manual_seed(0)
    config = MemReasonerConfig(None, model.config, latent_size=8, conditioning=conditioning, **settings)
    found = PrefixDecoder(config, model).eval()
    for part in (found.to_prefix, found.to_embedding):
        if part is not None:
            torch.nn.init.normal_(part.weight, std=0.5)
    return found


def latents(generator, count=1, read=1):
    return torch.randn(count, read, 8, generator=generator), torch.ones(count, read, dtype=torch.bool)


@torch.no_grad()
@pytest.mark.parametrize("family", FAMILIES)
def test_the_prefix_is_one_slice_a_layer_as_key_and_value_at_position_0(family, generator):
    one = decoder(family, inject_embedding=False)
    latent, mask = latents(generator)
    from transformers import DynamicCache

    cache = DynamicCache(config=one.decoder.config)
    layers, heads, width = one.shape
    slices = one.to_prefix(latent[0, 0]).view(layers, 1, heads, 1, width)
    for layer in range(layers):
        cache.update(slices[layer], slices[layer], layer)
    ids = torch.tensor([[5, 6, 7]])
    expected = one.decoder(
        ids, **cache_argument(one.decoder.forward, cache), position_ids=torch.tensor([[1, 2, 3]])
    ).logits
    torch.testing.assert_close(one(ids, None, latent, mask).logits, expected)


@torch.no_grad()
def test_embeddings_are_a_first_token(generator):
    one = decoder(conditioning="embeds", inject_embedding=False)
    latent, mask = latents(generator)
    ids = torch.tensor([[5, 6, 7]])
    embedded = torch.cat([one.to_prefix(latent), one.decoder.get_input_embeddings()(ids)], dim=1)
    expected = one.decoder(inputs_embeds=embedded).logits[:, 1:]
    torch.testing.assert_close(one(ids, None, latent, mask).logits, expected)


@torch.no_grad()
@pytest.mark.parametrize("conditioning", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_padding_on_either_side_changes_nothing(family, conditioning, generator):
    one = decoder(family, conditioning)
    latent, mask = latents(generator)
    expected = one(torch.tensor([[5, 6, 7]]), None, latent, mask).logits
    left = one(torch.tensor([[0, 0, 5, 6, 7]]), torch.tensor([[0, 0, 1, 1, 1]]), latent, mask).logits[:, 2:]
    right = one(torch.tensor([[5, 6, 7, 0]]), torch.tensor([[1, 1, 1, 0]]), latent, mask).logits[:, :3]
    torch.testing.assert_close(left, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(right, expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("conditioning", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_steps_with_a_cache_say_what_one_pass_says(family, conditioning, generator):
    one = decoder(family, conditioning)
    latent, mask = latents(generator, count=2, read=3)
    mask[1, 2] = False
    ids, seen = torch.tensor([[0, 5, 6, 7], [8, 9, 5, 6]]), torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]])
    whole = one(ids, seen, latent, mask).logits
    first = one(ids[:, :2], seen[:, :2], latent, mask, use_cache=True)
    steps = [first.logits]
    for column in (2, 3):
        output = one(ids[:, column : column + 1], seen[:, : column + 1], latent, mask, cache_of(first), use_cache=True)
        steps.append(output.logits)
    torch.testing.assert_close(torch.cat(steps, dim=1)[:, 1:], whole[:, 1:], rtol=1e-4, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("conditioning", WAYS)
def test_latents_that_are_none_are_not_seen(conditioning, generator):
    one = decoder("llama", conditioning)
    latent, _ = latents(generator, read=3)
    ids = torch.tensor([[5, 6]])
    masked = one(ids, None, latent, torch.tensor([[True, True, False]])).logits
    alone = one(ids, None, latent[:, :2], torch.tensor([[True, True]])).logits
    torch.testing.assert_close(masked, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("conditioning", WAYS)
def test_what_is_said_depends_on_the_latent_with_a_gradient(conditioning, generator):
    one = decoder("llama", conditioning, inject_embedding=False)
    latent, mask = latents(generator)
    latent.requires_grad_()
    one(torch.tensor([[5, 6]]), None, latent, mask).logits[:, -1, 3].sum().backward()
    assert latent.grad.any()


def test_a_decoder_without_such_a_cache_is_refused():
    with pytest.raises(ValueError, match="nothing can be put before its context; use a full-attention decoder"):
        decoder("mamba")
    with pytest.raises(ValueError, match="cache layers of type DynamicSlidingWindowLayer"):
        decoder("gemma-sliding")


def test_a_decoder_of_another_width_is_refused():
    config = MemReasonerConfig(None, {"model_type": "gpt2", "n_embd": 64}, latent_size=8)
    with pytest.raises(ValueError, match="the decoder has width 32, but the config says 64"):
        PrefixDecoder(config, tiny_model("gpt2"))
