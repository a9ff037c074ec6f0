import json

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.training import trainer as module
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.evaluation import background, evaluate
from protein_fitness.training.features import letter_features
from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

CONFIG = S3FConfig(
    surface=False, encoder_width=21, node_scalars=24, node_vectors=4, edge_scalars=8, num_layers=2, rbf_max=10
)


@pytest.fixture(scope="module")
def few(chains_of, random_sequence):
    draws = np.random.default_rng(0)
    return chains_of([random_sequence(draws, 40) for _ in range(6)])


def _model(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return S3FModel(CONFIG)


def _sets(chains):
    train = MaskedChains(chains, range(len(chains)), CONFIG, letter_features)
    return train, EvaluationChains(chains, range(len(chains)), CONFIG, letter_features)


def _weights(model):
    return torch.cat([part.detach().flatten() for part in model.parameters()])


def test_a_handful_of_chains_is_learnt_by_heart(chains_of, domain, tmp_path):
    chains = chains_of([domain.sequence[:24]] * 8)
    train, validation = _sets(chains)
    model = S3FModel(S3FConfig(**{**CONFIG.to_dict(), "num_layers": 1, "dropout": 0.0, "head_dropout": 0.0}))
    settings = TrainingSettings(steps=80, learning_rate=1e-2, batch_residues=192, evaluate_every=80)

    found = train_fitness_model(model, train, validation, out=tmp_path, settings=settings)

    assert found.mean_nll < background(chains.sequences, validation).mean_nll - 0.5
    assert found.mean_nll == evaluate(model, validation).mean_nll


class Killed(Exception):
    pass


class _KillAt(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            raise Killed


def test_a_run_that_was_killed_goes_on_to_the_same_bits(few, tmp_path, monkeypatch):
    settings = TrainingSettings(steps=6, batch_residues=80, evaluate_every=2, learning_rate=1e-2)  # 3 batches an epoch
    whole, cut, resumed = _model(), _model(), _model(seed=1)
    wanted = train_fitness_model(whole, *_sets(few), out=tmp_path / "whole", settings=settings)
    plain = module.FitnessTrainer.__init__

    def dying(self, *arguments):
        plain(self, *arguments)
        self.add_callback(_KillAt(5))

    with monkeypatch.context() as patch:
        patch.setattr(module.FitnessTrainer, "__init__", dying)
        with pytest.raises(Killed):
            train_fitness_model(cut, *_sets(few), out=tmp_path / "cut", settings=settings)
    found = train_fitness_model(resumed, *_sets(few), out=tmp_path / "cut", settings=settings, resume=True)

    assert torch.equal(_weights(resumed), _weights(whole))
    assert np.array_equal(found.nll, wanted.nll)
    histories = [
        json.loads((tmp_path / run / "checkpoints" / "checkpoint-6" / "trainer_state.json").read_text())["log_history"]
        for run in ("whole", "cut")
    ]
    losses = [[row["loss"] for row in history if "loss" in row] for history in histories]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3


def test_the_best_checkpoint_is_kept(few, tmp_path):
    train, validation = _sets(few)
    model = _model()
    settings = TrainingSettings(steps=4, batch_residues=240, evaluate_every=1, learning_rate=0.05)

    found = train_fitness_model(model, train, validation, out=tmp_path, settings=settings)

    states = sorted((tmp_path / "checkpoints").glob("*/trainer_state.json"))
    history = json.loads(states[-1].read_text())["log_history"]
    nlls = [row["eval_nll"] for row in history if "eval_nll" in row]
    assert len(nlls) == 4
    assert nlls[-1] != min(nlls)
    assert found.mean_nll == pytest.approx(min(nlls), rel=1e-12)


def test_a_run_that_has_ended_is_its_best_checkpoint_again(few, tmp_path):
    settings = TrainingSettings(steps=4, batch_residues=240, evaluate_every=1, learning_rate=0.05)
    model, again = _model(), _model(seed=1)
    train_fitness_model(model, *_sets(few), out=tmp_path, settings=settings)
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())

    train_fitness_model(again, *_sets(few), out=tmp_path, settings=settings, resume=True)

    assert torch.equal(_weights(again), _weights(model))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == kept
    assert kept[0] != "checkpoint-4" == kept[-1]


def test_checkpoints_are_not_written_over(few, tmp_path):
    (tmp_path / "checkpoints" / "checkpoint-3").mkdir(parents=True)

    with pytest.raises(ValueError, match="has checkpoints; set `resume` to go on from the last"):
        train_fitness_model(_model(), *_sets(few), out=tmp_path, settings=TrainingSettings(steps=1))


@pytest.mark.parametrize("name", ["epochs", "steps", "learning_rate", "batch_residues", "evaluate_every"])
def test_a_setting_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` of a training must be above 0, got 0."):
        TrainingSettings(**{name: 0})


def test_a_loss_that_is_not_finite_stops_the_run(few, tmp_path):
    model = _model()
    with torch.no_grad():
        model.network.head.bias[0] = torch.inf

    with pytest.raises(ValueError, match="the loss is nan at step 1; lower the learning rate"):
        train_fitness_model(model, *_sets(few), out=tmp_path, settings=TrainingSettings(steps=1))
