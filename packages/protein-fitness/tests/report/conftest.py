import pytest

from protein_fitness.scorers.registry import usual_scorer
from protein_fitness.site_matrix import scan


@pytest.fixture(scope="session")
def matrix(gb1):
    return scan(gb1, usual_scorer(gb1))
