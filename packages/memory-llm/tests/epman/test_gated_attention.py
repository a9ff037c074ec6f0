"""The gate in the attention function does what the cache does."""

import pytest
import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM

from memory_llm.epman.gated_attention import attention_route

WHOLE = {"prefill": "full", "layout": "full", "top_chunks": 2, "attn_scope": "narrow"}


def gates_of(model, memory, text="roses are"):
    lengths = torch.tensor([len(chunk) for chunk in memory.tokens])
    return model.read(text, memory).selections[0].gates.repeat_interleave(lengths)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("layers", [None, [0, 2]])
@pytest.mark.parametrize("family", ["llama", "qwen", "gemma"])
def test_one_layer_sees_the_same_by_either_route(make_epman, document, question, family, layers, dtype, tolerance):
    """The cache route reads the document itself without gates, so routes are compared on the question's layer 0."""
    model = make_epman(family, dtype=dtype, **WHOLE, layers=layers)
    memory = model.write(document)
    gates = gates_of(model, memory)
    ids = torch.tensor([[token for chunk in memory.tokens for token in chunk] + question[0].tolist()])
    a_mem = torch.cat([gates, torch.ones(question.shape[1])])[None]
    by_cache, by_function = {}, {}
    layer = next(module for name, module in model.decoder.named_modules() if name.endswith(("layers.0", "h.0")))

    def keep(found):
        return layer.register_forward_hook(
            lambda _, __, out: found.update(out=out[0] if isinstance(out, tuple) else out)
        )

    with torch.no_grad():
        hook = keep(by_cache)
        model(question, reading=model.read("roses are", memory))
        hook.remove()
        hook = keep(by_function)
        with attention_route(model.decoder):
            arguments = {} if layers is None else {"a_mem_layers": tuple(layers)}
            model.decoder(ids, a_mem=a_mem, use_cache=False, **arguments)
        hook.remove()
    mine, theirs = by_cache["out"][0], by_function["out"][0, -question.shape[1] :]
    assert (mine - theirs).abs().max() <= tolerance * theirs.abs().max()


def test_padding_is_not_read(make_epman, question):
    decoder = make_epman().decoder
    padded = torch.cat([torch.zeros(1, 5, dtype=torch.long), question], dim=-1)
    mask = (torch.arange(padded.shape[1]) >= 5).long()[None]
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad(), attention_route(decoder):
        found = decoder(padded, attention_mask=mask, position_ids=positions, a_mem=torch.ones(padded.shape)).logits
    assert torch.allclose(found[:, 5:], decoder(question).logits, atol=1e-5)
    assert decoder.config._attn_implementation == "sdpa"


def test_attention_that_cannot_be_exchanged_is_refused():
    config = GPTNeoConfig(vocab_size=8, hidden_size=8, num_layers=1, num_heads=1, attention_types=[[["global"], 1]])
    with pytest.raises(ValueError, match="gates would be ignored"), attention_route(GPTNeoForCausalLM(config)):
        pass
