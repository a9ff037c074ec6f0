"""The ball is around the weights, with adapters around the product of their factors, and every step ends inside."""

import pytest
import torch
from transformers import Trainer, TrainerCallback, TrainingArguments

from safe_finetune.constrained import Radius, RadiusCallback
from safe_finetune.constrained.radius import squared_norm, weight_changes
from safe_finetune.rows.encoded_rows import collate_rows
from safe_finetune.sft.adapters import with_adapters


@pytest.fixture
def adapted(make_model):
    """A model with LoRA of two kinds of ranks and scales, moved away from the start."""
    from peft import LoraConfig

    config = LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], rank_pattern={"up_proj": 2}, use_rslora=True
    )
    model = with_adapters(make_model(), config, "one")
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


def products(model) -> dict[str, torch.Tensor]:
    return {
        name: layer.get_delta_weight("one")
        for name, layer in model.named_modules()
        if hasattr(layer, "get_delta_weight")
    }


def test_the_norm_of_an_adapters_change_is_that_of_the_product(adapted):
    radius = Radius(adapted, radius=1.0)
    dense = products(adapted)
    for change in radius.changes:
        assert float(change.norm().detach()) == pytest.approx(float(dense[change.name].detach().norm()), rel=1e-5)
    whole = torch.cat([part.flatten() for part in dense.values()]).norm()
    assert radius.norm() == pytest.approx(float(whole.detach()), rel=1e-5)


def test_the_same_change_by_other_factors_is_as_large(adapted):
    before = Radius(adapted, radius=1.0).norm()
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_A" in name:
                parameter *= 7
            elif "lora_B" in name:
                parameter /= 7
    assert Radius(adapted, radius=1.0).norm() == pytest.approx(before, rel=1e-5)


def test_projection_keeps_the_direction_and_leaves_what_is_inside(adapted):
    before = products(adapted)
    size = Radius(adapted, radius=1.0).norm()
    assert not Radius(adapted, radius=2 * size).project()
    radius = Radius(adapted, radius=size / 3)
    assert radius.project()
    assert radius.norm() == pytest.approx(size / 3, rel=1e-5)
    assert all(torch.allclose(part, before[name] / 3, rtol=1e-4, atol=1e-6) for name, part in products(adapted).items())
    assert not radius.project()
    assert (radius.num_projections, radius.num_steps) == (1, 2)


def test_a_relative_radius_is_of_each_weight(adapted):
    radius = Radius(adapted, relative_radius=0.05)
    radius.project()
    assert all(share == pytest.approx(0.05, rel=1e-5) for share in radius.shares().values())


def test_the_squared_norm_has_the_gradient_of_the_dense_one(adapted):
    squared_norm(weight_changes(adapted)).backward()
    found = {name: part.grad.clone() for name, part in adapted.named_parameters() if part.grad is not None}
    adapted.zero_grad()
    sum(part.square().sum() for part in products(adapted).values()).backward()
    for name, part in adapted.named_parameters():
        if part.grad is not None:
            assert torch.allclose(found[name], part.grad, rtol=1e-3, atol=1e-3), name


@pytest.mark.parametrize("bounds", [{"radius": 0.05}, {"relative_radius": 0.01}])
@pytest.mark.parametrize("lora", [False, True])
def test_a_trainer_stays_in_the_ball_at_every_step(make_model, encode, make_rows, quiet, bounds, lora):
    from peft import LoraConfig

    model = make_model()
    if lora:
        model = with_adapters(model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"]), "one")
    radius = Radius(model, **bounds)
    seen = []

    class Look(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            seen.append(radius.norm() if "radius" in bounds else max(radius.shares().values()))

    Trainer(
        model,
        TrainingArguments(**quiet, max_steps=6, remove_unused_columns=False),
        train_dataset=encode(make_rows(16)),
        data_collator=lambda rows: {k: v for k, v in collate_rows(rows).items() if k != "row_index"},
        callbacks=[RadiusCallback(radius), Look()],
    ).train()
    bound = next(iter(bounds.values()))
    assert len(seen) == 6
    assert all(size <= bound * (1 + 1e-5) for size in seen)
    assert seen[-1] == pytest.approx(bound, rel=1e-4)
    assert radius.num_projections > 0


def test_tied_weights_count_once(make_model):
    model = make_model(tie_word_embeddings=True)
    names = [change.name for change in Radius(model, radius=1.0).changes]
    assert len(names) == len(set(names)) == len({id(part) for part in model.parameters()})


def test_bad_balls_are_refused(make_model):
    model = make_model()
    for bounds in ({}, {"radius": 1.0, "relative_radius": 1.0}):
        with pytest.raises(ValueError, match="give one of `radius` and `relative_radius`"):
            Radius(model, **bounds)
    for bounds in ({"radius": 0.0}, {"relative_radius": -0.1}, {"radius": float("nan")}):
        with pytest.raises(ValueError, match=f"`{min(bounds)}` must be positive, got {min(bounds.values())}"):
            Radius(model, **bounds)
    with pytest.raises(ValueError, match="nothing of the model is trained"):
        Radius(model.requires_grad_(False), radius=1.0)
