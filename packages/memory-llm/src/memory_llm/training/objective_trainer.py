"""Training of connectors (and, in the paper's way, of whole models) by transformers' Trainer."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Trainer

TRAINED_FILE, LOG_FILE = "trained.safetensors", "log.jsonl"


class ObjectiveTrainer(Trainer):
    """A Trainer over an objective: a module whose forward takes a batch and returns its ``loss`` and named parts.

    Checkpoints hold what is trained and leave frozen models out. The parts of the loss are logged beside it, and every
    log line is appended to ``log.jsonl`` in the output folder.
    """

    def __init__(self, model: nn.Module, **arguments: Any):
        super().__init__(model, **arguments)
        self._parts: dict[str, list[Tensor]] = {}

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any) -> Any:
        """The objective's own loss, a mean over the batch."""
        outputs = model(**inputs)
        for name, value in outputs.items():
            if name != "loss":
                self._parts.setdefault(name, []).append(value)
        return (outputs["loss"], outputs) if return_outputs else outputs["loss"]

    def log(self, logs: dict[str, float], *arguments: Any, **more: Any) -> None:
        """Add the means of the loss's parts since the last line."""
        if "loss" in logs:
            logs |= {name: round(float(torch.stack(values).mean()), 4) for name, values in self._parts.items()}
            self._parts = {}
            if self.is_world_process_zero():
                line = json.dumps({"step": self.state.global_step, **logs})
                with Path(self.args.output_dir, LOG_FILE).open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
        super().log(logs, *arguments, **more)

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: part.detach().cpu().contiguous() for name, part in self._trained().items()}, folder / TRAINED_FILE
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        state = load_file(Path(resume_from_checkpoint) / TRAINED_FILE)
        with torch.no_grad():
            for name, part in self._trained().items():
                part.copy_(state[name])

    def _trained(self) -> dict[str, Tensor]:
        module = self.accelerator.unwrap_model(self.model)
        return {name: part for name, part in module.named_parameters() if part.requires_grad}
