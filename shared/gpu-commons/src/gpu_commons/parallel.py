"""Independent tasks, one after the other, over processes or over a Ray cluster, with the same results each way."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, workers: int = 1, cluster: str | None = None
) -> Iterator[Result]:
    """Results as they come; in the tasks' order with one worker, in any with more.

    A task that fails stops the run: those that are under way are finished, and its error is raised. So tasks that leave
    files can be asked for again, those that are done left out.

    Args:
        function: Of a module, so that other processes find it; what it needs must be in the task.
        tasks: What it is called with.
        workers: Processes; with 1 everything happens in this one.
        cluster: Address of a Ray cluster, "auto" for the one of this machine, or "local" to begin one here; workers are
            its affair then. What tasks read and write must be where all its machines find it.

    Raises:
        ValueError: If there is no worker.
        ImportError: If Ray is asked for and not installed.
        ConnectionError: If there is no such cluster.
    """
    if workers < 1:
        raise ValueError(f"`workers` must be at least 1, got {workers}.")
    if cluster is not None:
        yield from _run_on_ray(function, tasks, cluster)
        return
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


def _run_on_ray(function: Callable[[Task], Result], tasks: Sequence[Task], cluster: str) -> Iterator[Result]:
    try:
        import ray
    except ImportError as error:
        raise ImportError("a cluster needs: pip install ray") from error
    if not ray.is_initialized():
        try:
            ray.init(address=None if cluster == "local" else cluster, log_to_driver=False)
        except ConnectionError as error:
            raise ConnectionError(f"no Ray cluster at {cluster!r}; begin one by `ray start --head`.") from error
    remote: Any = ray.remote(_called)
    waiting = [remote.remote(function, task) for task in tasks]
    try:
        while waiting:
            done, waiting = ray.wait(waiting)
            try:
                yield ray.get(done[0])
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
    finally:
        for task in waiting:
            ray.cancel(task)


def _called(function: Callable[[Task], Result], task: Task) -> Result:
    return function(task)
