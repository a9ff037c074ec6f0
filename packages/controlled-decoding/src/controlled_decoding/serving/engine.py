"""The thread that owns the model: it batches continuously, so no request waits for a batch to end."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.sampler import special_tokens
from controlled_decoding.serving.batch import RunningBatch
from controlled_decoding.serving.limits import ServerLimits
from controlled_decoding.serving.row import Row
from controlled_decoding.steering import Steering

logger = logging.getLogger(__name__)
IGNORED_SETTINGS = (
    "repetition_penalty",
    "no_repeat_ngram_size",
    "min_length",
    "min_new_tokens",
    "suppress_tokens",
    "bad_words_ids",
    "sequence_bias",
)


class QueueFullError(RuntimeError):
    """Too many answers wait; worth another try later."""


class ClosingError(RuntimeError):
    """The engine takes no more requests."""


class Engine:
    """Generates the answers of many requests in one batch.

    Use it as a context manager, which starts and joins its thread. Meanwhile nothing else may run the
    model: the subspaces listen to its forward passes.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        steering: Subspaces, settings and the strength of requests that name none.
        limits: What is accepted.
        name: Of the model, as requests must call it.

    Raises:
        ValueError: If the subspaces do not fit the model.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        steering: Steering,
        *,
        name: str = "model",
        limits: ServerLimits | None = None,
    ):
        steering.check(model, tokenizer)
        self.model, self.tokenizer, self.steering, self.name = model, tokenizer, steering, name
        self.limits = ServerLimits() if limits is None else limits
        self.context = self.limits.max_context or getattr(
            model.config.get_text_config(), "max_position_embeddings", None
        )
        self._end_ids = _end_tokens(model, tokenizer)
        self._changed = threading.Condition()
        self._waiting: deque[Row] = deque()
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name="engine")
        _warn_of_ignored_settings(model)

    def __enter__(self) -> "Engine":
        with torch.no_grad():
            self.steering.check_projection(self.model)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drain(grace_s=0.0)
        self._thread.join()

    @property
    def accepts(self) -> bool:
        """Whether requests are taken."""
        return self._thread.is_alive() and self._deadline is None

    def submit(self, rows: Sequence[Row]) -> None:
        """Queue the answers of a request, all or none.

        Raises:
            QueueFullError: If they do not fit into the queue.
            ClosingError: After :meth:`drain`.
        """
        with self._changed:
            if self._deadline is not None:
                raise ClosingError("the server is shutting down and takes no more requests.")
            if len(self._waiting) + len(rows) > self.limits.max_queue:
                raise QueueFullError(
                    f"{len(self._waiting)} answers wait already and this request asks for {len(rows)} more, "
                    f"but at most {self.limits.max_queue} may wait; try again later."
                )
            self._waiting.extend(rows)
            self._changed.notify()

    def cancel(self, rows: Sequence[Row]) -> None:
        """Generate these answers no further; places in the queue are free at once, in the batch after its step."""
        with self._changed:
            for row in rows:
                row.cancel()
            self._waiting = deque(row for row in self._waiting if not row.is_done)

    def drain(self, *, grace_s: float) -> None:
        """Take no more requests; answers not done in this many seconds are cut off with an error. Returns at once."""
        with self._changed:
            deadline = time.monotonic() + grace_s
            self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
            self._changed.notify()

    def _run(self) -> None:
        while self._wait_for_work():
            with torch.no_grad(), self.steering.listen(self.model) as taps:
                special_ids = special_tokens(self.model.generation_config)
                self._work(
                    RunningBatch(self.model, self.steering, taps, special_ids=special_ids, end_ids=self._end_ids)
                )

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._deadline is not None)
            return bool(self._waiting)

    def _work(self, batch: RunningBatch) -> None:
        """Until nothing is left to generate."""
        while True:
            newcomers: list[Row] = []
            try:
                batch.drop_done()
                if self._deadline is not None and time.monotonic() >= self._deadline:
                    return self._cut_off(batch)
                newcomers = self._take(batch)
                if newcomers:
                    batch.admit(newcomers)
                if not batch.rows:
                    return None
                batch.step()
            except Exception as error:  # one bad batch must not end the server
                logger.exception("a batch of %d answers failed", len(batch.rows))
                sentence = _sentence_about(error)
                batch.fail(sentence)
                for row in newcomers:
                    row.fail(sentence)

    def _take(self, batch: RunningBatch) -> list[Row]:
        """Waiting rows, first come first served, as many as there is room for."""
        taken: list[Row] = []
        with self._changed:
            width = 0
            while self._waiting and batch.can_grow and len(batch.rows) + len(taken) < self.limits.max_rows:
                width = max(width, len(self._waiting[0].prompt))
                if taken and width * (len(taken) + 1) > self.limits.max_prefill_tokens:
                    break
                taken.append(self._waiting.popleft())
        return taken

    def _cut_off(self, batch: RunningBatch) -> None:
        with self._changed:
            waiting, self._waiting = self._waiting, deque()
        sentence = "the server shut down before the answer was complete."
        batch.fail(sentence, is_cut_off=True)
        for row in waiting:
            row.fail(sentence, is_cut_off=True)


def _end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    ends = model.generation_config.eos_token_id
    ends = tokenizer.eos_token_id if ends is None else ends
    return [] if ends is None else [ends] if isinstance(ends, int) else list(ends)


def _warn_of_ignored_settings(model: PreTrainedModel) -> None:
    """Answers of strength 0 equal `generate` only where the checkpoint asks for nothing that requests cannot set."""
    asked = sorted(set(IGNORED_SETTINGS) & model.generation_config.to_diff_dict().keys())
    if asked:
        logger.warning("the model's generation config sets %s, which the server does not apply", ", ".join(asked))


def _sentence_about(error: Exception) -> str:
    if isinstance(error, torch.OutOfMemoryError):
        return "the model ran out of memory on this batch; send shorter or fewer requests at a time."
    return f"the model failed on this batch ({type(error).__name__}); the server's log says more."
