"""transformers' Trainer for SEAL: two streams, one or two copies of the model, and the selector between them."""

import hashlib
import importlib.metadata
import json
import logging
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel, Trainer, set_seed

from gpu_commons import load_model, model_fingerprint
from safe_finetune.rows.encoded_rows import EncodedRows
from safe_finetune.seal.config import SealConfig
from safe_finetune.seal.model_pair import ModelPair
from safe_finetune.seal.selector import Selector
from safe_finetune.seal.streams import PairedRows, collate_pairs
from safe_finetune.selection.scores import SelectorScores
from safe_finetune.sft.row_losses import check_losses
from safe_finetune.sft.streams import rows_a_step, stream_loader

logger = logging.getLogger(__name__)
TRAINED_FILE, SELECTOR_FILE = "trained.safetensors", "selector.safetensors"


class SealTrainer(Trainer):
    r"""Learn a score for every fine-tuning row. The trained model itself is a means: select rows by ``scores``, then
    fine-tune the *aligned* model on them.

    The problem is ``min_omega L_s(theta*(omega))`` with ``theta*`` a minimiser of
    ``L_f(theta, omega) = mean_i sigma_i(omega) loss_i(theta)``. "penalty" solves it in one loop by

        min_{omega, theta} L_s(theta) + gamma (L_f(theta, omega) - min_u L_f(u, omega)).

    Each optimiser step moves u along ``-grad L_f(u, omega)``, theta along ``-(a grad L_s + (1 - a) grad L_f)``, and
    omega by ``d_i = loss_i(theta) - loss_i(u)`` (:class:`Selector`). "memory_efficient" drops u: d_i is loss_i(theta).
    All three see the parameters from before the step; d is gathered over processes and accumulated batches first, so
    that omega does not depend on how a step's rows are spread.

    Checkpoints hold the trained copies, the selector with its moments and visits, and (by ``Trainer``) optimisers and
    random states; a resumed run ends with the bytes of the whole one.

    Args:
        model: The aligned model, or what ``gpu_commons.load_model`` takes.
        args: Settings; ``seed`` also orders the streams.
        train_dataset: Fine-tuning rows.
        safe_dataset: Trusted rows. They should cover the fine-tuning task too: where they are refusals alone, harmless
            rows are ranked down.
        peft_config: Of LoRA adapters; without it whole models are trained.
        more: Of ``Trainer``, such as ``callbacks``.

    Source: Algorithms 1 and 2 of SEAL (arXiv 2410.07471), released code for the second. Differs: rows are known by ids;
        no stream is cut; gradients of theta and u are clipped apart; one learning rate for both.
    """

    def __init__(
        self,
        model: PreTrainedModel | str,
        args: SealConfig,
        train_dataset: EncodedRows,
        safe_dataset: EncodedRows,
        *,
        peft_config: Any = None,
        **more: Any,
    ):
        aligned = load_model(model, device=str(args.device)).model if isinstance(model, str) else model
        _check_rows(aligned, train_dataset=train_dataset, safe_dataset=safe_dataset)
        if hasattr(aligned, "peft_config"):
            raise ValueError("`model` has adapters already; merge them (`merge_and_unload`) and give a `peft_config`.")
        self._model_name = getattr(aligned.config, "name_or_path", "") or aligned.config.model_type
        self._model_fingerprint = model_fingerprint(aligned)
        set_seed(args.seed)  # Trainer does so too, but only after the adapters are drawn
        pair = ModelPair(aligned, peft_config=peft_config, with_u=args.algorithm == "penalty")
        super().__init__(pair, args, train_dataset=train_dataset, **more)
        self.safe_dataset = safe_dataset
        self.selector = Selector(
            len(train_dataset),
            activation=args.selector_activation,
            optimizer=args.selector_optimizer,
            learning_rate=float(args.selector_learning_rate or 0),
            device=args.device,
        )
        self._drawn: list[dict[str, Tensor]] = []
        self._means: dict[str, list[float]] = {}

    @property
    def scores(self) -> SelectorScores:
        """Scores as they are now."""
        config = {
            name: getattr(self.args, name)
            for name in (
                "algorithm", "selector_activation", "selector_optimizer", "selector_learning_rate", "upper_weight",
                "upper_weight_decay", "learning_rate", "num_train_epochs", "max_steps", "seed",
            )
        }  # fmt: skip
        selector = self.selector
        return SelectorScores(
            row_ids=self.train_dataset.ids,
            logits=selector.logits.cpu().numpy().copy(),
            weights=selector.weights().cpu().numpy(),
            last_losses=selector.last_losses.cpu().numpy().copy(),
            num_visits=selector.num_visits.cpu().numpy().copy(),
            last_visit_steps=selector.last_visit_steps.cpu().numpy().copy(),
            metadata={
                "method": "seal",
                "dataset_fingerprint": self.train_dataset.fingerprint,
                "safe_dataset_fingerprint": self.safe_dataset.fingerprint,
                "tokenizer_fingerprint": self.train_dataset.tokenizer_fingerprint,
                "model": self._model_name,
                "model_fingerprint": self._model_fingerprint,
                "config": {**config, "rows_a_step": rows_a_step(self), "steps": self.state.global_step},
                "version": importlib.metadata.version("safe-finetune"),
            },
        )

    def get_train_dataloader(self) -> Any:
        """Pairs of rows; an epoch draws as many as the longer set has, rounded up to whole steps."""
        pairs = PairedRows(self.train_dataset, self.safe_dataset, self.args.seed)
        num_rows = max(len(self.train_dataset), len(self.safe_dataset))
        loader = stream_loader(self, num_rows, pairs, collate_pairs)
        self._steps_an_epoch = len(loader) // self.args.gradient_accumulation_steps
        by_steps = self.args.max_steps / self._steps_an_epoch
        self.args.check_schedule(self.args.num_train_epochs if self.args.max_steps < 0 else by_steps)
        self._drawn = []
        return loader

    def training_step(self, model: nn.Module, inputs: dict[str, Tensor], num_items_in_batch: Any = None) -> Tensor:
        """Backward passes of theta and u on one batch; after the last batch of a step the selector moves."""
        model.train()
        half = len(inputs["row_index"]) // 2
        rows = inputs["row_index"][:half]
        weights = self.selector.weights()[rows]
        batch = {name: inputs[name] for name in ("input_ids", "attention_mask", "labels")}
        share = self.args.upper_weight_at(self.state.global_step // self._steps_an_epoch)
        with self.compute_loss_context_manager():
            losses = model("theta", **batch)
            tune, safe = losses[:half], losses[half:]
            loss = share * safe.mean() + (1 - share) * (weights * tune).mean()
        loss = loss / self.current_gradient_accumulation_steps
        self.accelerator.backward(loss)
        drawn = {"row": rows, "safe_row": inputs["row_index"][half:]}
        drawn |= {"tune_loss": tune.detach(), "safe_loss": safe.detach()}
        if "u" in self.model.copies:
            with self.compute_loss_context_manager():
                tracked = model("u", **{name: part[:half] for name, part in batch.items()})
                lower = (weights * tracked).mean() / self.current_gradient_accumulation_steps
            self.accelerator.backward(lower)
            drawn["u_loss"] = tracked.detach()
        self._drawn.append(drawn)
        if self.accelerator.sync_gradients:
            self._step_selector()
        return loss.detach()

    def log(self, logs: dict[str, float], *arguments: Any, **more: Any) -> None:
        """Add mean losses of the two streams, a, and how often each set has been gone through."""
        if "loss" in logs and self._means:
            logs |= {name: round(sum(values) / len(values), 4) for name, values in self._means.items()}
            self._means = {}
            positions = self.state.global_step * rows_a_step(self)
            logs["upper_weight"] = self.args.upper_weight_at((self.state.global_step - 1) // self._steps_an_epoch)
            logs["tune_passes"] = round(positions / len(self.train_dataset), 3)
            logs["safe_passes"] = round(positions / len(self.safe_dataset), 3)
        super().log(logs, *arguments, **more)

    def _step_selector(self) -> None:
        """One step from the rows that all processes and accumulated batches have drawn, in the order of the rows."""
        local = {name: torch.cat([drawn[name] for drawn in self._drawn]) for name in self._drawn[0]}
        self._drawn = []
        found = {name: self.accelerator.gather(values) for name, values in local.items()}
        tune, safe = (self.train_dataset, "row"), (self.safe_dataset, "safe_row")
        for name, (dataset, drawn) in {"tune_loss": tune, "u_loss": tune, "safe_loss": safe}.items():
            if name in found:
                places = [dataset.places[row] for row in found[drawn].tolist()]
                check_losses(found[name], places, f" at step {self.state.global_step + 1}")
                self._means.setdefault(name, []).append(float(found[name].mean()))
        order = found["row"].argsort(stable=True)
        rows, losses = found["row"][order], found["tune_loss"][order].float()
        differences = losses - found["u_loss"][order].float() if "u_loss" in found else losses
        self.selector.step(rows, losses, differences, self.state.global_step + 1)

    def _clip_grad_norm(self, model: nn.Module) -> Tensor:
        """Clip theta and u apart, or else the norm of one would slow the other; theta's norm is logged."""
        self.accelerator.unscale_gradients()
        norms = [
            torch.nn.utils.clip_grad_norm_(self.model.trained(which).values(), self.args.max_grad_norm)
            for which in self.model.copies
        ]
        return norms[0]

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        trained = {name: part.detach().cpu().contiguous() for name, part in self._trained().items()}
        save_file(trained, folder / TRAINED_FILE)
        selector = {name: part.cpu() for name, part in self.selector.state().items()}
        save_file(selector, folder / SELECTOR_FILE, metadata={"run": json.dumps(self._run())})

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        folder = Path(resume_from_checkpoint)
        with safe_open(folder / SELECTOR_FILE, "pt") as file:
            saved = json.loads(file.metadata()["run"])
        for name, value in self._run().items():
            if saved.get(name) != value:
                raise ValueError(
                    f"{folder.name} was written with {name} {saved.get(name)}, but this run has {value}; resume with the "
                    "same model, data and settings, or begin anew in another `output_dir`."
                )
        self.selector.load_state(load_file(folder / SELECTOR_FILE))
        state = load_file(folder / TRAINED_FILE)
        with torch.no_grad():
            for name, part in self._trained().items():
                part.copy_(state[name])

    def _trained(self) -> dict[str, nn.Parameter]:
        return {name: part for which in self.model.copies for name, part in self.model.trained(which).items()}

    def _run(self) -> dict[str, Any]:
        """What must be the same for a checkpoint to go on; order and number of drawn rows follow from it."""
        args = self.args
        return {
            "dataset_fingerprint": self.train_dataset.fingerprint,
            "safe_dataset_fingerprint": self.safe_dataset.fingerprint,
            "model_fingerprint": self._model_fingerprint,
            # Inside a run, logits and orders go by position; fingerprints do not know of it.
            "order_of_rows": _digest(self.train_dataset.ids),
            "order_of_safe_rows": _digest(self.safe_dataset.ids),
            "seed": args.seed,
            "rows_a_step": rows_a_step(self),
            "algorithm": args.algorithm,
            "selector_activation": args.selector_activation,
            "selector_optimizer": args.selector_optimizer,
        }


def _digest(ids: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


def _check_rows(model: PreTrainedModel, **datasets: Any) -> None:
    for name, dataset in datasets.items():
        if not isinstance(dataset, EncodedRows):
            raise TypeError(f"`{name}` must be EncodedRows, got {type(dataset).__name__}; use RowEncoder().encode")
        dataset.check_vocabulary(model.get_input_embeddings().num_embeddings)
