"""Tasks give the same in one process and in several, and an error stops the run."""

import operator
from functools import partial

import pytest

from gpu_commons.parallel import run_tasks


@pytest.mark.parametrize("workers", [1, 2])
def test_all_tasks_are_done(workers):
    assert sorted(run_tasks(partial(operator.pow, 2), range(5), workers=workers)) == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_is_raised(workers):
    with pytest.raises(ZeroDivisionError):
        list(run_tasks(partial(operator.truediv, 1), [1, 0, 2], workers=workers))


def test_no_worker_is_refused():
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        list(run_tasks(abs, [1], workers=0))
