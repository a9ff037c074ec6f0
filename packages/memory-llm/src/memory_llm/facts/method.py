"""What every way of telling facts to a model must be able to do, so that all are judged by the same questions."""

from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from memory_llm.facts.fact import Fact


class TargetScore(NamedTuple):
    """How a target fares after a prompt, teacher forced."""

    log_prob: float
    """Mean over the target's tokens, in nats."""
    first: bool
    """Whether the most likely token is the target's first."""
    whole: bool
    """Whether it is the target's at each of its tokens."""


@runtime_checkable
class Answerer(Protocol):
    """A model that has been told some facts; answers come in the order of the prompts."""

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        """How each target fares after its prompt."""

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        """Log-probabilities of the token after each prompt, float32 on the CPU."""

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        """Greedy continuations, without white space around them."""

    def forget(self, ids: Sequence[str]) -> None:
        """Take facts out again.

        Raises:
            ValueError: If no told fact has an id.
            NotImplementedError: If the method cannot take facts out.
        """


@runtime_checkable
class Method(Protocol):
    """A way of telling facts to a model."""

    name: str

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> Answerer:
        """Tell facts to the model; what other answerers of this method know stays as it is.

        Args:
            facts: What to tell.
            alone: Tell each fact to a memory of its own: prompt i of every later question is asked of one that holds
                ``facts[i]`` only, so there are as many prompts as facts. A fact may then come several times.
        """


def check_alone(num_facts: int, num_prompts: int) -> None:
    """Check the agreement of ``told(..., alone=True)``.

    Raises:
        ValueError: If there are not as many prompts as facts.
    """
    if num_facts != num_prompts:
        raise ValueError(
            f"{num_facts} facts were told alone, so each question needs that many prompts, got {num_prompts}; "
            "tell a fact once for every prompt that is asked of it."
        )


def check_known(ids: Iterable[str], known: Set[str]) -> None:
    """Check that facts to forget have been told.

    Raises:
        ValueError: If one has not.
    """
    unknown = next((one for one in ids if one not in known), None)
    if unknown is not None:
        raise ValueError(f"no told fact has the id {unknown!r} ({len(known)} are known); forget only what was told.")
