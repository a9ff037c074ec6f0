"""Random problems with a set context overlap and a set distortion of the proxy data, to check theory and trainers on.

With the same seed, only what is asked to differ differs: overlap moves task contexts, distortion moves the proxy data.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import softmax

from safe_finetune.theory.linear import LinearProblem
from safe_finetune.theory.softmax_regression import LinearData
from safe_finetune.theory.tabular import TabularData, TabularProblem


def random_tabular_problem(
    rng: np.random.Generator,
    *,
    overlap: float,
    distortion: float,
    uncovered: float = 0.0,
    num_contexts: int = 40,
    num_responses: int = 8,
) -> TabularProblem:
    """A tabular problem whose safety data hold the first half of the contexts.

    Args:
        rng: Source of all distributions, which are uniform over the simplex.
        overlap: Share of the safety mass and of the task mass in contexts that both hold. The proxy data keep it,
            unless contexts are uncovered.
        distortion: Share of the proxy data that has other responses, and contexts in other proportion, than the
            original. It bounds the total variation unless contexts are uncovered; 0 makes the data the same.
        uncovered: Share of the safety contexts, rounded down, that the proxy data lack.
        num_contexts: Even, so that the halves are equal.
        num_responses: To each context.
    """
    for name, asked in (("overlap", overlap), ("distortion", distortion), ("uncovered", uncovered)):
        _check_share(name, asked)
    if num_contexts < 4 or num_contexts % 2:
        raise ValueError(f"`num_contexts` must be even and at least 4, got {num_contexts}; each half is a data set.")
    half = num_contexts // 2
    num_shared = 0 if overlap == 0 else half if overlap == 1 else min(max(1, round(overlap * half)), half - 1)
    safe, capable = rng.dirichlet(np.ones(num_responses), size=(2, num_contexts))
    other = rng.dirichlet(np.ones(num_responses), size=half)
    raw_safety, raw_task, raw_other = rng.exponential(size=(3, half))
    dropped = rng.permutation(half)[: min(int(uncovered * half), half - 1)]
    mass = [_two_parts(raw, num_shared, overlap) for raw in (raw_safety, raw_task, raw_other)]
    proxy_mass = (1 - distortion) * mass[0] + distortion * mass[2]
    # The share of other rows in each context, so that the joint distribution is the mixture.
    share = np.divide(distortion * mass[2], proxy_mass, out=np.zeros(half), where=proxy_mass > 0)[:, None]
    proxy_responses = safe.copy()
    proxy_responses[:half] = (1 - share) * safe[:half] + share * other
    proxy_mass[dropped] = 0
    task_contexts = np.r_[np.arange(num_shared), np.arange(half, num_contexts - num_shared)]
    safety_contexts = np.arange(half)
    return TabularProblem(
        safety=TabularData(contexts=_spread(mass[0], safety_contexts, num_contexts), responses=safe),
        proxy=TabularData(
            contexts=_spread(proxy_mass / proxy_mass.sum(), safety_contexts, num_contexts),
            responses=proxy_responses,
        ),
        task=TabularData(contexts=_spread(mass[1], task_contexts, num_contexts), responses=capable),
    )


def random_linear_problem(
    rng: np.random.Generator,
    *,
    distortion: float = 0.0,
    num_features: int = 20,
    num_responses: int = 6,
    num_rows: int = 300,
) -> LinearProblem:
    """A linear-softmax problem: Gaussian features of norm near 1, and targets that no linear model fits exactly.

    Args:
        rng: Source of everything.
        distortion: Share of the proxy targets that follow another model than the safety targets, in [0, 1].
        num_features: d.
        num_responses: Classes.
        num_rows: Of each of the three data sets.
    """
    _check_share("distortion", distortion)
    features = rng.normal(size=(3, num_rows, num_features)) / np.sqrt(num_features)
    safe, other, capable = 2 * rng.normal(size=(3, num_responses, num_features))
    noise = rng.dirichlet(np.ones(num_responses), size=(3, num_rows))

    def data(number: int, *parts: tuple[float, np.ndarray]) -> LinearData:
        clean = sum(share * softmax(features[number] @ weights.T, axis=1) for share, weights in parts)
        return LinearData(features=features[number], targets=0.8 * np.asarray(clean) + 0.2 * noise[number])

    return LinearProblem(
        safety=data(0, (1.0, safe)),
        proxy=data(1, (1 - distortion, safe), (distortion, other)),
        task=data(2, (1.0, capable)),
    )


def _two_parts(raw: Float[np.ndarray, " half"], num_first: int, share: float) -> Float[np.ndarray, " half"]:
    """Scale the first entries to sum to ``share`` and the rest to the remainder."""
    scaled = raw.copy()
    for part, total in ((slice(0, num_first), share), (slice(num_first, None), 1 - share)):
        if scaled[part].size:
            scaled[part] *= total / scaled[part].sum()
    return scaled


def _spread(mass: Float[np.ndarray, " half"], places: np.ndarray, num_contexts: int) -> Float[np.ndarray, " contexts"]:
    spread = np.zeros(num_contexts)
    spread[places] = mass
    return spread


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"`{name}` must be in [0, 1], got {share}; it is a share.")
