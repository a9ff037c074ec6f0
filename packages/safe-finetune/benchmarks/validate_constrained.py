"""Trainers of both strategies against the exact frontier of a linear softmax model.

The model has 20 features and 6 responses; task and proxy safety data have 300 rows each. ConstrainedSFTTrainer
minimises under a penalty, under a budget by its multiplier, and within a radius, on full batches; scipy and Newton's
method give the exact solutions. Steps are of plain momentum, but for the rows that say Adam: Adam's own metric bends
where a projection onto a ball of the usual one comes to rest.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from linear_decoder import LinearDecoder, as_rows, sampled

from gpu_commons import Figure, write_record
from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.theory import LinearProblem, random_linear_problem

RESULTS = Path(__file__).parent / "results"
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
SHARES = (0.1, 0.3, 0.6)  # of the largest useful budget or radius
STEPS, SEEDS, TARGET = 1500, (0, 1, 2), 0.02
MOMENTUM = {"optim": "sgd", "optim_args": "momentum=0.9", "lr_scheduler_type": "constant"}
ADAM = {"learning_rate": 0.05, "lr_scheduler_type": "cosine"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    errors: dict[str, list[float]] = {}
    for seed in run.seeds:
        rng = np.random.default_rng(seed)
        problem = sampled(random_linear_problem(rng, distortion=0.3), rng)
        for name, error in errors_of(problem, run.steps):
            errors.setdefault(name, []).append(error)
    figures = [
        Figure(
            id=name,
            value=max(found),
            interval=(min(found), max(found)),
            unit="of the loss range",
            better="lower",
            target=None if "Adam" in name or "price" in name else TARGET,
        )
        for name, found in errors.items()
    ]
    path = write_record(
        "validate_constrained",
        results_dir=run.results,
        command="python benchmarks/validate_constrained.py",
        config={
            "steps": run.steps,
            "strengths": STRENGTHS,
            "budgets and radii": SHARES,
            "loss range": "task loss of the aligned model less that of the task's own",
            "interval": "lowest and highest seed, of the largest error over strengths",
        },
        seeds=run.seeds,
        figures=figures,
        device="cpu",
        shortened=run.steps < STEPS or len(run.seeds) < len(SEEDS),
    )
    print(path.name)


def errors_of(problem: LinearProblem, steps: int) -> list[tuple[str, float]]:
    """The largest error of each strategy, as a share of the loss range."""
    span = problem.task.loss(problem.aligned) - problem.task.loss(problem.capable)
    penalty, budgets, prices = [], [], []
    balls: dict[str, list[float]] = {"": [], ", by Adam": []}
    for strength in STRENGTHS:
        settings = {**MOMENTUM, "learning_rate": 5.0 / (1 + strength)}
        theta = trained(problem, steps, mode="penalty", safety_weight=strength, **settings)
        exact = problem.penalised(strength)
        penalty.append(excess(problem, theta, strength) - excess(problem, exact, strength))
    widest = problem.proxy_gap(problem.capable)
    for share in SHARES:
        exact, price = problem.within_budget(share * widest)
        budget = problem.proxy.loss(exact)
        settings = {**MOMENTUM, "learning_rate": 2.0, "safety_budget": budget, "weight_learning_rate": 0.03}
        theta, found = trained_with_price(problem, steps, **settings)
        budgets += [abs(problem.task.loss(theta) - problem.task.loss(exact)), problem.proxy.loss(theta) - budget]
        prices.append(abs(found - price) / price)
    farthest = float(np.linalg.norm(problem.capable - problem.aligned))
    for share in SHARES:
        exact_loss = problem.task.loss(problem.in_ball(share * farthest))
        for name, settings in (("", {**MOMENTUM, "learning_rate": 5.0}), (", by Adam", ADAM)):
            theta = trained(problem, steps, safety=False, radius=share * farthest, **settings)
            balls[name].append(problem.task.loss(theta) - exact_loss)
    return [
        ("penalty: objective above the exact one", max(penalty) / span),
        ("budget: task loss off the exact one, or safety loss above the budget", max(budgets) / span),
        ("budget: price off the exact one, relative", max(prices)),
        *((f"radius: task loss above the exact one{name}", max(found) / span) for name, found in balls.items()),
    ]


def excess(problem: LinearProblem, theta: np.ndarray, strength: float) -> float:
    """Task loss and priced safety loss, in task units."""
    return (problem.task.loss(theta) + strength * problem.proxy.loss(theta)) / (1 + strength)


def trained(problem: LinearProblem, steps: int, **settings: object) -> np.ndarray:
    return trained_with_price(problem, steps, **settings)[0]


def trained_with_price(
    problem: LinearProblem, steps: int, *, safety: bool = True, **settings: object
) -> tuple[np.ndarray, float]:
    """Theta and lambda at the end of a run from the aligned start, on full batches."""
    model = LinearDecoder(problem.aligned, problem.task, problem.proxy)
    responses, count = len(problem.aligned), len(problem.task.targets)
    with tempfile.TemporaryDirectory() as folder:
        args = ConstrainedSFTConfig(
            folder,
            max_steps=steps,
            per_device_train_batch_size=count,
            safety_fraction=1.0,
            max_grad_norm=0.0,
            use_cpu=True,
            dataloader_pin_memory=False,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **settings,
        )
        rows = as_rows(problem.task, responses, "task")
        proxy = as_rows(problem.proxy, responses + count, "proxy") if safety else None
        trainer = ConstrainedSFTTrainer(model, args, rows, proxy)
        trainer.train()
    price = trainer.multiplier.value if trainer.multiplier else 0.0
    return model.theta.detach().double().numpy(), price


if __name__ == "__main__":
    main()
