"""A model behind an OpenAI-compatible server, such as vLLM's or TGI's."""

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from agent_tom.backends.backend import Backend, Written
from gpu_commons.write_aside import write_text_aside

if TYPE_CHECKING:
    from openai import OpenAI

MOST_ANSWER_TOKENS = 8
_SEED_BITS = 31  # what every server takes


class ServerBackend(Backend):
    """Asks a server's ``/completions`` for the log-probabilities of its prompts.

    Where a server does not give them, an option's probability is how often it is among some sampled answers; a warning
    says so, and how many there were.

    Answers are kept on disk, so that a run that broke off asks for nothing twice.

    Args:
        model: As the server calls it.
        url: Of the server, such as ``http://localhost:8000/v1``.
        api_key: If it wants one.
        cache: Folder of answers; none are kept if absent.
        samples: Answers to count where there are no log-probabilities.
        timeout_s: Of a request.
        retries: Of a request that failed or came too late, with growing pauses.
        at_once: Requests under way together.

    Raises:
        ImportError: If ``agent-tom[server]`` is not installed.
        ConnectionError: From :meth:`score` and :meth:`generate`, if the server fails for good.
    """

    def __init__(
        self,
        model: str,
        *,
        url: str,
        api_key: str = "none",
        cache: str | Path | None = None,
        samples: int = 20,
        timeout_s: float = 60.0,
        retries: int = 5,
        at_once: int = 8,
    ):
        self.model, self.url, self.samples, self.at_once = model, url, samples, at_once
        self.cache = None if cache is None else Path(cache)
        self._client = _client(url, api_key, timeout_s, retries)
        self._gives_log_probs: bool | None = None
        self._texts: list[str] = []

    def begin(self, texts: Sequence[str]) -> None:
        self.tokens_read, self._texts = 0, list(texts)

    def append(self, texts: Sequence[str]) -> None:
        self._texts = [before + text for before, text in zip(self._texts, texts, strict=True)]

    def score(self, probes: Sequence[str], options: Sequence[Sequence[str]]) -> Float[np.ndarray, "rows options"]:
        contexts = [text + probe for text, probe in zip(self._texts, probes, strict=True)]
        if self._gives_log_probs is None:
            self._gives_log_probs = self._find_out(contexts[0])
        if not self._gives_log_probs:
            return np.array(self._all(self._frequencies, contexts, options))
        pairs = [(context, option) for context, row in zip(contexts, options, strict=True) for option in row]
        return np.array(self._all(self._log_prob, pairs)).reshape(len(contexts), -1)

    def generate(
        self,
        probes: Sequence[str],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        draws: Float[np.ndarray, " rows"] | None = None,
    ) -> list[Written]:
        contexts = [text + probe for text, probe in zip(self._texts, probes, strict=True)]
        seeds = [0] * len(contexts) if draws is None else [int(draw * 2**_SEED_BITS) for draw in draws.tolist()]
        settings = {"max_tokens": max_tokens, "temperature": 0.0 if draws is None else 1.0, "stop": list(stop) or None}
        answers = self._all(lambda context, seed: self._asked(prompt=context, seed=seed, **settings), contexts, seeds)
        usage = [answer.get("usage") or {} for answer in answers]
        self.tokens_read += sum(each.get("total_tokens", 0) for each in usage)
        said = [answer["choices"][0] for answer in answers]
        return [
            Written(each["text"], counted.get("completion_tokens", 0), each["finish_reason"] == "length")
            for each, counted in zip(said, usage, strict=True)
        ]

    def _all(self, ask: Callable[..., Any], *items: Sequence[Any]) -> list[Any]:
        """Several requests under way together; after one that failed no further one is begun."""
        pool = ThreadPoolExecutor(self.at_once)
        try:
            return list(pool.map(ask, *items))
        finally:
            pool.shutdown(cancel_futures=True)

    def _find_out(self, context: str) -> bool:
        """Whether the server tells the log-probabilities of a prompt."""
        from openai import BadRequestError, UnprocessableEntityError

        try:
            answer = self._asked(prompt=context, max_tokens=1, temperature=0.0, echo=True, logprobs=1)
        except (BadRequestError, UnprocessableEntityError):
            answer = {}
        if _token_log_probs(answer):
            return True
        warnings.warn(
            f"{self.url} gives no log-probabilities of prompts, so probabilities are frequencies among {self.samples} "
            "sampled answers.",
            stacklevel=3,
        )
        return False

    def _log_prob(self, pair: tuple[str, str]) -> float:
        """Of an option after its context."""
        context, option = pair
        whole = context + option
        answer = self._asked(prompt=whole, max_tokens=1, temperature=0.0, echo=True, logprobs=1)
        found = _token_log_probs(answer)
        self.tokens_read += len(found)
        # Tokens that end within the option; what the server says after it is none of it.
        inside = [value for end, value in found if len(context) < end <= len(whole)]
        if not inside or None in inside:
            raise ConnectionError(
                f"{self.url} gave no log-probabilities for {option!r}, though it did before; ask it again, or use another "
                "server."
            )
        return math.fsum(value for value in inside if value is not None)

    def _frequencies(self, context: str, options: Sequence[str]) -> list[float]:
        """Logarithms of how often each option is sampled; -inf for one that never is."""
        answer = self._asked(
            prompt=context,
            max_tokens=MOST_ANSWER_TOKENS,
            temperature=1.0,
            n=self.samples,
            seed=0,
            stop=[options[0][-1]],
        )
        said = [choice["text"].strip() for choice in answer["choices"]]
        counts = [said.count(option[:-1].strip()) for option in options]
        return [math.log(count / len(said)) if count else -math.inf for count in counts]

    def _asked(self, **request: Any) -> dict[str, Any]:
        """A server's answer, from the disk if it was given before."""
        from openai import APIConnectionError, APIStatusError, BadRequestError, UnprocessableEntityError

        request = {"model": self.model, **request}
        file = None if self.cache is None else self.cache / f"{_digest(self.url, request)}.json"
        if file is not None and file.is_file():
            return json.loads(file.read_text(encoding="utf-8"))
        try:
            answer = self._client.completions.create(**request).model_dump()
        except (BadRequestError, UnprocessableEntityError):
            raise
        except (APIConnectionError, APIStatusError) as error:
            kept = "" if self.cache is None else " Answers so far are kept; run again to go on."
            raise ConnectionError(f"{self.url} failed for good ({error}).{kept}") from error
        if file is not None:
            write_text_aside(json.dumps(answer), file)
        return answer


def _client(url: str, api_key: str, timeout_s: float, retries: int) -> "OpenAI":
    try:
        from openai import OpenAI
    except ImportError as error:
        raise ImportError("a server needs: pip install 'agent-tom[server]'") from error
    return OpenAI(base_url=url, api_key=api_key, timeout=timeout_s, max_retries=retries)


def _token_log_probs(answer: dict[str, Any]) -> list[tuple[int, float | None]]:
    """Where each token of prompt and answer ends, and its log-probability; the first has none."""
    choices = answer.get("choices") or [{}]
    told = choices[0].get("logprobs") or {}
    tokens, offsets, values = (told.get(name) or [] for name in ("tokens", "text_offset", "token_logprobs"))
    if len(tokens) < 2 or not len(tokens) == len(offsets) == len(values):
        return []
    return [(offset + len(token), value) for token, offset, value in zip(tokens, offsets, values, strict=True)]


def _digest(url: str, request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([url, request], sort_keys=True).encode()).hexdigest()
