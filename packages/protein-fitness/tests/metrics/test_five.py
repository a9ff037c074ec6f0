import numpy as np
import pytest

from protein_fitness.metrics.classes import mcc
from protein_fitness.metrics.five import METRICS, five_metrics
from protein_fitness.metrics.spearman import spearman


def test_five_metrics_of_one_assay():
    draws = np.random.default_rng(0)
    labels = draws.normal(size=60)
    scores = labels + draws.normal(size=60)

    found = five_metrics(scores, labels, (labels > 0).astype(float), cut=1.0)

    assert tuple(found) == METRICS
    assert found["Spearman"].value == pytest.approx(spearman(scores, labels, resamples=2).value)
    assert found["MCC"] == mcc(scores, (labels > 0).astype(float), cut=1)
    assert not any(each.reason for each in found.values())


def test_an_assay_without_classes_has_no_auc_and_says_why():
    found = five_metrics(np.arange(20.0), np.arange(20.0), None)

    assert found["Spearman"].value == pytest.approx(1)
    assert np.isnan([found["AUC"].value, found["MCC"].value]).all()
    assert "no classes (DMS_score_bin), and they are not made" in found["AUC"].reason


def test_a_constant_score_has_no_rank_correlation():
    found = five_metrics(np.ones(20), np.arange(20.0), None)["Spearman"]

    assert np.isnan(found.value)
    assert found.reason == "all 20 mutants have the score 1, so that there is nothing to rank."
