"""transformers' Trainer under a constraint on safety loss, distance, or both."""

import json
import logging
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import Trainer

from gpu_commons import model_fingerprint
from safe_finetune.constrained.config import ConstrainedSFTConfig
from safe_finetune.constrained.conflicts import warn_of_conflicts
from safe_finetune.constrained.multiplier import Multiplier
from safe_finetune.constrained.radius import Radius, RadiusCallback, squared_norm, weight_changes
from safe_finetune.constrained.reference import mean_divergence, reference_of, response_divergences
from safe_finetune.constrained.streams import MixedRows, collate_mixed
from safe_finetune.rows.encoded_rows import EncodedRows, collate_rows
from safe_finetune.sft.row_losses import check_losses, losses_under, response_losses, row_losses
from safe_finetune.sft.streams import rows_a_step, stream_loader

logger = logging.getLogger(__name__)
STATE_FILE = "constraint.json"


class ConstrainedSFTTrainer(Trainer):
    r"""Fine-tune on task rows, and keep safety.

    With safety rows (the first strategy): ``min L_c + lambda L_s``; in mode "lagrangian" lambda moves so that L_s, by a
    moving average over steps, keeps its budget (:class:`Multiplier`). With a radius (the second): after each step the
    weights are moved back into a ball around the aligned ones (:class:`Radius`). Both may be had together.

    Safety rows are evenly mixed among task rows, and their losses are summed over what a batch is expected to have, so
    that results do not depend on accumulation or on the number of processes.

    Args:
        model: The aligned model, or a peft model over it.
        args: Settings.
        train_dataset: Task rows.
        safety_dataset: Rows whose loss is bounded; absent = the radius alone.
        more: Of ``Trainer``.

    Attributes:
        multiplier: Lambda and the safety loss, if there are safety rows.
        radius: The ball, if there is one.
        start: Safety loss before training.

    Source: arXiv 2503.20807, cases I and II. Differs: the paper poses the problems; how they are solved is ours.
    """

    def __init__(
        self,
        model: Any,
        args: ConstrainedSFTConfig,
        train_dataset: EncodedRows,
        safety_dataset: EncodedRows | None = None,
        **more: Any,
    ):
        _check(model, args, train_dataset, safety_dataset)
        more.setdefault("data_collator", collate_rows)  # of evaluation
        super().__init__(model, args, train_dataset=train_dataset, **more)
        self.model_accepts_loss_kwargs = False  # the loss is ours: a mean over the micro-batch
        self.safety_dataset = safety_dataset
        self.radius: Radius | None = None
        if args.radius is not None or args.relative_radius is not None:
            self.radius = Radius(model, radius=args.radius, relative_radius=args.relative_radius)
            self.add_callback(RadiusCallback(self.radius))
        self._pulled = weight_changes(model) if args.proximal else []
        self.multiplier: Multiplier | None = None
        self.start: float | None = None
        self._reference = reference_of(model) if safety_dataset and args.loss_kind == "kl" else None
        if safety_dataset is not None:
            self.start = self.safety_loss()
            budget = args.safety_budget if args.safety_budget is not None else self.start + args.safety_slack
            logger.info("safety loss is %.4f before training, budget %.4f", self.start, budget)
            self.multiplier = Multiplier(
                budget=budget,
                value=args.safety_weight,
                learning_rate=args.weight_learning_rate if args.mode == "lagrangian" else 0.0,
                most=args.max_safety_weight,
            )
        self._safety_losses: list[Tensor] = []
        self._drawn: list[tuple[EncodedRows, Tensor, Tensor]] = []
        self._aligned = model_fingerprint(model, adapters=False)

    def safety_loss(self, rows: EncodedRows | None = None) -> float:
        """Mean of what is bounded, over safety rows; over those of training if none are given.

        Raises:
            ValueError: If there are none.
        """
        rows = self.safety_dataset if rows is None else rows
        if rows is None:
            raise ValueError("there are no safety rows; give a `safety_dataset`.")
        batch_size = self.args.per_device_train_batch_size
        if self._reference is None:
            return float(row_losses(self.model, rows, batch_size=batch_size).mean())
        return mean_divergence(self.model, self._reference, rows, batch_size)

    def get_train_dataloader(self) -> Any:
        """Task rows in seeded order with safety rows among them, steps full."""
        rows = MixedRows(self.train_dataset, self.safety_dataset, self.args.safety_fraction, self.args.seed)
        return stream_loader(self, len(self.train_dataset), rows, collate_mixed)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Task loss, lambda times the safety loss, and the pull to the centre."""
        num_task = self.args.per_device_train_batch_size
        outputs = None
        if return_outputs or self._reference is not None:
            outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
            every = response_losses(outputs.logits, inputs["labels"])
        else:
            every = losses_under(model, inputs)
        losses = every[:num_task]
        loss = losses.mean()
        if model.training:
            self._drawn.append((self.train_dataset, inputs["row_index"][:num_task], losses.detach()))
        if self.multiplier is not None and model.training:
            safety = every[num_task:] if self._reference is None else self._divergences(inputs, outputs, num_task)
            if self.safety_dataset is not None:
                self._drawn.append((self.safety_dataset, inputs["row_index"][num_task:], safety.detach()))
            expected = self.args.safety_fraction * num_task
            loss = loss + self.multiplier.value * safety.sum() / expected
            self._safety_losses.append(safety.detach())
        if self._pulled:
            loss = loss + self.args.proximal / 2 * squared_norm(self._pulled)
        return (loss, outputs) if return_outputs else loss

    def training_step(self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """One batch; after the last of a step lambda moves.

        Raises:
            ValueError: If a row's loss is not finite; nothing is learnt from its step, and earlier checkpoints stay.
        """
        loss = super().training_step(model, inputs, num_items_in_batch)
        if self.accelerator.sync_gradients:
            self._check_drawn()
            if self.multiplier is not None:
                self._step_multiplier()
        return loss

    def log(self, logs: dict[str, float], *arguments: Any, **more: Any) -> None:
        """Add lambda, the safety loss, and the distance from the start."""
        if "loss" in logs and self.multiplier is not None:
            logs |= {"safety_weight": self.multiplier.value, "safety_violation": self.multiplier.violation}
        if "loss" in logs and self.radius is not None:
            logs |= {"distance": self.radius.norm(), "projected": self.radius.num_projections}
        super().log(logs, *arguments, **more)

    def train(self, *arguments: Any, **more: Any) -> Any:
        """As in transformers; then say so if the budget could not be kept."""
        result = super().train(*arguments, **more)
        if self.multiplier is not None and self.multiplier.is_infeasible:
            logger.warning(
                "lambda was at %.3g for %d of %d steps: a budget of %.4f cannot be kept; allow more, or train longer.",
                self.multiplier.most,
                self.multiplier.steps_at_most,
                self.multiplier.steps,
                self.multiplier.budget,
            )
        return result

    def _divergences(self, inputs: dict[str, Tensor], outputs: Any, num_task: int) -> Float[Tensor, " safety"]:
        if self._reference is None or len(inputs["labels"]) == num_task:
            return outputs.logits.new_zeros(0)
        expected = self._reference(**{name: inputs[name][num_task:] for name in ("input_ids", "attention_mask")})
        return response_divergences(expected, outputs.logits[num_task:], inputs["labels"][num_task:])

    def _check_drawn(self) -> None:
        """Once a step, since each look at losses waits for the device."""
        drawn, self._drawn = self._drawn, []
        for dataset, rows, losses in drawn:
            places = [dataset.places[row] for row in rows.tolist()]
            check_losses(losses, places, f" at step {self.state.global_step + 1}")

    def _step_multiplier(self) -> None:
        """By the mean over all safety rows of the step, on whichever process and in whichever batch they were."""
        mine = torch.cat(self._safety_losses).double()
        self._safety_losses = []
        total = self.accelerator.reduce(torch.stack([mine.sum(), mine.new_tensor(float(len(mine)))]), reduction="sum")
        if total[1] > 0 and self.multiplier is not None:
            self.multiplier.step(float(total[0] / total[1]))

    def _save_checkpoint(self, *arguments: Any, **more: Any) -> None:
        super()._save_checkpoint(*arguments, **more)
        folder = Path(self._get_output_dir(trial=None)) / f"checkpoint-{self.state.global_step}"
        state = {
            "run": self._run(),
            "start": self.start,
            "multiplier": self.multiplier.state() if self.multiplier else None,
            "projections": [self.radius.num_projections, self.radius.num_steps] if self.radius else None,
        }
        if self.args.should_save:
            (folder / STATE_FILE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        state = json.loads((Path(resume_from_checkpoint) / STATE_FILE).read_text(encoding="utf-8"))
        for name, value in self._run().items():
            if state["run"].get(name) != value:
                raise ValueError(
                    f"{Path(resume_from_checkpoint).name} was written with {name} {state['run'].get(name)}, but this run "
                    f"has {value}; resume with the same model, data and settings, or begin anew in another `output_dir`."
                )
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.start = state["start"]
        if state["multiplier"]:
            self.multiplier = Multiplier(**state["multiplier"])
        if state["projections"] and self.radius is not None:
            self.radius.num_projections, self.radius.num_steps = state["projections"]

    def _run(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to go on."""
        return {
            "aligned_model": self._aligned,  # the centre of the ball, and what divergence is from
            "dataset_fingerprint": self.train_dataset.fingerprint,
            "safety_fingerprint": self.safety_dataset.fingerprint if self.safety_dataset else None,
            "seed": self.args.seed,
            "rows_a_step": rows_a_step(self),
            "safety_fraction": self.args.safety_fraction,
        }


def _check(model: Any, args: ConstrainedSFTConfig, task: EncodedRows, safety: EncodedRows | None) -> None:
    for name, dataset in (("train_dataset", task), ("safety_dataset", safety)):
        if dataset is None and name == "safety_dataset":
            continue
        if not isinstance(dataset, EncodedRows):
            raise TypeError(f"`{name}` must be EncodedRows, got {type(dataset).__name__}; use RowEncoder().encode")
        if not len(dataset):
            raise ValueError(f"`{name}` has no rows; give some, or leave it out.")
        dataset.check_vocabulary(model.get_input_embeddings().num_embeddings)
    if safety is not None:
        warn_of_conflicts(task, safety)
    if safety is None and args.radius is None and args.relative_radius is None and not args.proximal:
        raise ValueError("nothing is constrained; give a `safety_dataset`, a radius, or `proximal`.")
    quantised = getattr(model, "quantization_method", None) or getattr(model, "is_quantized", False)
    if quantised and not hasattr(model, "peft_config") and (args.radius or args.relative_radius):
        raise ValueError("weights of a quantised model have no radius; train LoRA adapters on it.")
