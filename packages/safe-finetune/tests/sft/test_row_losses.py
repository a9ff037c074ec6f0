"""A row's loss is the mean over its response's tokens, whatever stands beside it."""

import pytest
import torch

from safe_finetune.rows.encoded_rows import collate_rows
from safe_finetune.sft import response_losses, row_losses
from safe_finetune.sft.row_losses import losses_under


def test_losses_are_those_of_transformers_row_by_row(make_model, encode, make_rows):
    model, rows = make_model(), encode(make_rows(6))
    expected = []
    for number in range(6):
        batch = collate_rows([rows[number]])
        expected.append(model(input_ids=batch["input_ids"], labels=batch["labels"]).loss)
    found = row_losses(model, rows, batch_size=4)
    torch.testing.assert_close(found, torch.stack(expected).detach())
    assert len({round(float(loss), 4) for loss in found}) == 6


def test_gradient_is_that_of_the_mean(make_model, encode, make_rows):
    model, rows = make_model().double(), encode(make_rows(3))
    batch = collate_rows([rows[number] for number in range(3)])
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.detach()
    logits.requires_grad_()
    weights = torch.tensor([0.5, 2.0, 0.0], dtype=torch.float64)
    (weights * response_losses(logits, batch["labels"])).sum().backward()
    targets = batch["labels"][:, 1:]
    expected = torch.zeros_like(logits)
    for row in range(3):
        places = (targets[row] != -100).nonzero().flatten()
        for place in places.tolist():
            expected[row, place] = logits[row, place].softmax(0).detach()
            expected[row, place, targets[row, place]] -= 1
        expected[row] *= weights[row] / len(places)
    torch.testing.assert_close(logits.grad, expected)


@pytest.mark.parametrize("count", [1, 3])
def test_a_head_that_is_asked_for_labelled_tokens_alone_changes_no_loss(make_model, encode, make_rows, count):
    model, rows = make_model().double(), encode(make_rows(3))
    batch = collate_rows([rows[number] for number in range(count)])
    expected = response_losses(model(input_ids=batch["input_ids"]).logits, batch["labels"])
    made = []
    counting = model.get_output_embeddings().register_forward_hook(lambda _head, _states, logits: made.append(logits))
    found = losses_under(model, batch)
    counting.remove()
    torch.testing.assert_close(found, expected)
    assert [logits.shape[:2] for logits in made] == [(1, int((batch["labels"] != -100).sum()))]
    parts = list(model.parameters())
    for one, other in zip(*(torch.autograd.grad(loss.sum(), parts) for loss in (found, expected)), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("head", [None, torch.nn.Linear(1, 1)], ids=["no head", "not the one it calls"])
def test_a_model_whose_head_is_not_found_makes_all_logits(make_model, encode, make_rows, monkeypatch, head):
    model, rows = make_model(), encode(make_rows(2))
    batch = collate_rows([rows[0], rows[1]])
    expected = losses_under(model, batch)
    monkeypatch.setattr(type(model), "get_output_embeddings", lambda _model: head)
    torch.testing.assert_close(losses_under(model, batch), expected)


def test_a_module_that_is_no_model_of_transformers_will_do(make_model, encode, make_rows):
    class Bare(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, **inputs):
            return self.model(**inputs)

    model, rows = make_model(), encode(make_rows(2))
    batch = collate_rows([rows[0], rows[1]])
    torch.testing.assert_close(losses_under(Bare(model), batch), losses_under(model, batch))


def test_half_precision_logits_give_float32_losses(encode, make_rows):
    batch = collate_rows([encode(make_rows(1))[0]])
    logits = torch.randn(1, batch["labels"].shape[1], 320, generator=torch.Generator().manual_seed(0)).bfloat16()
    found = response_losses(logits, batch["labels"])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, response_losses(logits.float(), batch["labels"]), rtol=0, atol=0)


def test_a_model_whose_losses_are_no_numbers_is_refused_with_the_row(make_model, encode, make_rows):
    model, rows = make_model(), encode(make_rows(6))
    with torch.no_grad():
        model.get_input_embeddings().weight[max(rows.token_ids[4])] = torch.inf  # a token of some rows alone
    having = [place for place, ids in zip(rows.places, rows.token_ids, strict=True) if max(rows.token_ids[4]) in ids]
    with pytest.raises(
        ValueError, match=rf"{having[0]}: the loss is not finite \({len(having)} such rows\); take a sm"
    ):
        row_losses(model, rows)


def test_the_mode_of_the_model_is_left_as_it_was(make_model, encode, make_rows):
    model = make_model().train()
    row_losses(model, encode(make_rows(2)))
    assert model.training
    with pytest.raises(ValueError, match="vocabulary has 50 ids"):
        row_losses(make_model(vocab_size=50), encode(make_rows(2)))
