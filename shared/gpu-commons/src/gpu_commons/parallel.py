"""Independent tasks, one after the other or over processes, with the same results either way."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(function: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int = 1) -> Iterator[Result]:
    """Results as they come; in the tasks' order with one worker, in any with more.

    A task that fails stops the run: those that are under way are finished, and its error is raised. So tasks that leave
    files can be asked for again, those that are done left out.

    Args:
        function: Of a module, so that other processes find it; what it needs must be in the task.
        tasks: What it is called with.
        workers: Processes; with 1 everything happens in this one.

    Raises:
        ValueError: If there is no worker.
    """
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, got {workers}.")
    if workers == 1:
        yield from map(function, tasks)
        return
    # A fork of a process that has used torch or Arrow may hang in their locks.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(function, task) for task in tasks]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
