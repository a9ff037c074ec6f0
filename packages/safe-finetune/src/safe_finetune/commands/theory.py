"""``safe-finetune theory``: what can be said of your data and model before training."""

from collections.abc import Sequence
from typing import Any

from gpu_commons.cli import show


def theory(
    safety: str,
    task: str,
    proxy: str | None = None,
    model: str | None = None,
    encoder: str = "bundled:minilm",
    threshold: float = 0.8,
    curvature_rows: int = 32,
    max_length: int = 512,
    dtype: str = "float32",
    device: str = "auto",
    seed: int = 0,
    json: bool = False,
) -> None:
    """Estimate what decides a trade-off: similarity of the safety data, overlap with the task, sharpness of the basin.

    Args:
        safety: Safety rows that the model was aligned with, or those at hand.
        task: Task rows.
        proxy: Safety rows that stand for the first in training; how far they differ is then certified.
        model: Aligned model; with it, losses are compared, and the curvature of the safety loss is measured.
        encoder: Sentence encoder of the prompts: hub id, folder or bundled:NAME.
        threshold: Cosine from which two prompts count as one context.
        curvature_rows: Safety and task rows that the curvature is measured on.
        max_length: Tokens of a row.
        dtype: Of the model; second derivatives need float32.
        device: Where it is.
        seed: Of halves and directions.
        json: Result as JSON on stdout.
    """
    from gpu_commons import SentenceEncoder
    from safe_finetune.rows import load_rows, load_safe_rows
    from safe_finetune.theory import conflict_rate, nearest_by_embedding, overlap_rate, two_sample_test

    sets = {"safety": load_safe_rows(safety), "task": load_rows(task)}
    if proxy:
        sets["proxy"] = load_safe_rows(proxy)
    embed = SentenceEncoder(encoder).embed
    vectors = {name: embed([_prompt(row) for row in rows]) for name, rows in sets.items()}
    nearest = nearest_by_embedding(vectors["safety"], vectors["task"])
    said = {name: [row.messages[-1].content for row in rows] for name, rows in sets.items()}
    result: dict[str, Any] = {
        "context_overlap": overlap_rate(nearest, threshold),
        "threshold": threshold,
        "conflicts_in_overlap": conflict_rate(nearest, threshold, said["safety"], said["task"]),
    }
    if proxy:
        test = two_sample_test(vectors["safety"], vectors["proxy"], seed=seed)
        result |= {"proxy_auroc": test.auroc, "proxy_differs_at_least": test.total_variation_at_least}
    if model:
        result |= _of_model(model, sets, curvature_rows, max_length, dtype, device, seed)
    if result["conflicts_in_overlap"] != result["conflicts_in_overlap"]:
        result["conflicts_in_overlap"] = None  # nothing overlaps
    show(result, as_json=json)


def _of_model(
    model: str, sets: dict[str, Any], count: int, max_length: int, dtype: str, device: str, seed: int
) -> dict[str, Any]:
    """Losses and the basin, over the weights of attention's queries and values."""
    import torch

    from gpu_commons import load_model
    from safe_finetune.rows import RowEncoder, collate_rows
    from safe_finetune.sft.row_losses import losses_under, row_losses
    from safe_finetune.theory import LossLandscape, loss_profile_distance

    loaded = load_model(model, dtype=dtype, device=device)
    decoder = loaded.model.eval()
    encoded = {name: RowEncoder(max_length=max_length).encode(rows, loaded.tokenizer) for name, rows in sets.items()}
    losses = {name: row_losses(decoder, rows) for name, rows in encoded.items()}
    result = {f"{name}_loss": float(values.mean()) for name, values in losses.items()}
    if "proxy" in losses:
        distance = loss_profile_distance(losses["safety"].numpy(), losses["proxy"].numpy())
        result["proxy_loss_profile_distance"] = distance.distance
    moved = [part for name, part in decoder.named_parameters() if "q_proj" in name or "v_proj" in name]

    def loss_of(rows: Any) -> Any:
        batch = collate_rows([rows[index] for index in range(min(count, len(rows)))])
        inputs = {name: part.to(decoder.device) for name, part in batch.items()}
        return lambda: losses_under(decoder, inputs).mean()

    basin = LossLandscape(loss_of(encoded["safety"]), moved)
    direction = -LossLandscape(loss_of(encoded["task"]), moved).gradient()
    generator = torch.Generator(device=decoder.device).manual_seed(seed)
    radii = _radii(moved)
    return result | {
        "safety_curvature_of_the_task_direction": basin.curvature(direction),
        "safety_curvature_of_a_random_direction": basin.curvature(basin.random_direction(generator)),
        "forecast_safety_loss_growth": dict(
            zip((f"{radius:.3g}" for radius in radii), basin.forecast(direction, radii).tolist(), strict=True)
        ),
    }


def _radii(moved: Sequence[Any]) -> list[float]:
    """A hundredth, a thirtieth and a tenth of a percent of the weights' norm."""
    norm = float(sum(float(part.detach().double().square().sum()) for part in moved)) ** 0.5
    return [share * norm for share in (1e-4, 3e-4, 1e-3)]


def _prompt(row: Any) -> str:
    return "\n".join(message.content for message in row.messages[:-1])
