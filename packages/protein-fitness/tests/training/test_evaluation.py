import numpy as np
import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.training import evaluation as module
from protein_fitness.training.dataset import EvaluationChains
from protein_fitness.training.evaluation import background, evaluate
from protein_fitness.training.features import letter_features

CONFIG = S3FConfig(surface=False, encoder_width=21, node_scalars=8, node_vectors=2, edge_scalars=4, num_layers=1)


@pytest.fixture(scope="module")
def examples(chains_of, random_sequence):
    draws = np.random.default_rng(0)
    chains = chains_of([random_sequence(draws, length) for length in (30, 41, 12, 56)])
    return EvaluationChains(chains, [3, 0, 2], CONFIG, letter_features)


@pytest.mark.parametrize("batch", [56, 10_000])
def test_each_chain_has_its_own_sums(examples, monkeypatch, batch):
    monkeypatch.setattr(module, "BATCH_RESIDUES", batch)
    torch.manual_seed(0)
    model = S3FModel(CONFIG).train()

    found = evaluate(model, examples)

    assert model.training
    assert found.names == ("chain3", "chain0", "chain2")
    assert found.positions.tolist() == [8, 4, 1]
    model.eval()
    for place in range(3):
        graph = examples[0, place]
        with torch.no_grad():
            chances = model(graph).double().softmax(-1).numpy()
        hidden = graph["residue"].mask.numpy().nonzero()[0]
        types = graph["residue"].y.numpy()[hidden]
        assert found.nll[place] == pytest.approx(-np.log(chances[hidden, types]).sum(), rel=1e-5)  # of float32 logits
        assert found.correct[place] == (chances[hidden].argmax(-1) == types).sum()
    assert found.mean_nll == pytest.approx(found.nll.sum() / 13)
    assert found.accuracy == pytest.approx(found.correct.sum() / 13)


def test_background_is_how_often_letters_are(examples):
    found = background(["AAC", "AX"], examples)

    share = {letter: (1 + "AACA".count(letter)) / 24 for letter in AMINO_ACIDS}
    for place, number in enumerate(examples.numbers):
        hidden = examples[0, place]["residue"].mask.numpy().nonzero()[0]
        letters = [examples.chains.sequences[number][at] for at in hidden]
        assert found.nll[place] == pytest.approx(-sum(np.log(share[letter]) for letter in letters))
        assert found.correct[place] == letters.count("A")
