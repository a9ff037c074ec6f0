"""Methods by name, for command lines and configuration files."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from controlled_decoding.config import Rule, SASAConfig
from controlled_decoding.judges.judge import Judge
from controlled_decoding.methods.best_of_n import BestOfN
from controlled_decoding.methods.experts import Experts
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.plain import Plain
from controlled_decoding.methods.reward_guided import RewardGuided, judge_reward
from controlled_decoding.methods.sasa import SASA
from controlled_decoding.methods.self_debias import SelfDebias
from controlled_decoding.methods.static_bias import StaticBias
from controlled_decoding.methods.word_filter import WordFilter
from controlled_decoding.subspace import SubspaceClassifier

FORMS = (
    "plain",
    "sasa:STRENGTH",
    "sasa-bayes:STRENGTH",
    "sasa-identity:STRENGTH",
    "sasa-softmax:STRENGTH",
    "sasa-zscore:STRENGTH",
    "sasa-kl:NATS",
    "static:STRENGTH",
    "self-debias:DECAY",
    "words:PATH",
    "best-of:N",
    "best-of:N:JUDGE",
    "reward:STRENGTH:JUDGE",
    "experts:ALPHA:EXPERT+ANTI_EXPERT",
)


def load_method(
    spec: str,
    *,
    subspace: SubspaceClassifier | Sequence[SubspaceClassifier] | None = None,
    judges: Sequence[Judge] = (),
    config: SASAConfig | None = None,
    force: bool = False,
) -> Method:
    """A method by its specification.

    Args:
        spec: One of ``FORMS``, with a number for STRENGTH, DECAY, NATS, ALPHA and N: ``sasa:1``, ``sasa-kl:0.5``,
            ``words:list.txt``. JUDGE is the name of one of ``judges``; ``best-of:N`` without one chooses by the
            subspace. EXPERT and ANTI_EXPERT are model sources as for :func:`gpu_commons.load_model`, either of which
            may be left out (``experts:2:+FOLDER``).
        subspace: For the methods that need one; the ``sasa`` family also takes several.
        judges: For the methods that need one.
        config: Settings of the ``sasa`` family beside rule, strength and KL budget.
        force: Passed to the methods that check the subspace.

    Raises:
        ValueError: If the form is unknown (with the valid forms and the nearest), the number is none, or a subspace or
            judge is missing.
        FileNotFoundError: If a word list or model folder is missing.
    """
    kind, _, argument = spec.partition(":")
    if kind not in _LOADERS or (kind == "plain" and argument) or (kind != "plain" and not argument):
        raise ValueError(_unknown(spec))
    return _LOADERS[kind](_Request(spec, argument, subspace, judges, config or SASAConfig(), force))


@dataclass(frozen=True)
class _Request:
    """A specification and what it may refer to."""

    spec: str
    argument: str
    subspace: SubspaceClassifier | Sequence[SubspaceClassifier] | None
    judges: Sequence[Judge]
    config: SASAConfig
    force: bool

    def split(self) -> tuple[float, str]:
        """The number at the head of the argument, and the rest of it."""
        text, _, rest = self.argument.partition(":")
        try:
            return float(text), rest
        except ValueError:
            raise ValueError(
                f"{text!r} in the method {self.spec!r} is not a number; the form is {_form(self.spec)}."
            ) from None

    def number(self) -> float:
        value, rest = self.split()
        if rest:
            raise ValueError(
                f"{rest!r} after the number of {self.spec!r} means nothing; the form is {_form(self.spec)}."
            )
        return value

    def subspaces(self) -> list[SubspaceClassifier]:
        found = [self.subspace] if isinstance(self.subspace, SubspaceClassifier) else list(self.subspace or ())
        if not found:
            raise ValueError(
                f"the method {self.spec!r} needs a subspace; make one with `controlled-decoding fit` and pass it."
            )
        return found

    def only_subspace(self) -> SubspaceClassifier:
        found = self.subspaces()
        if len(found) > 1:
            raise ValueError(
                f"the method {self.spec!r} takes one subspace, got {', '.join(subspace.attribute for subspace in found)}."
            )
        return found[0]

    def judge(self, name: str) -> Judge:
        for judge in self.judges:
            if judge.name == name:
                return judge
        raise ValueError(
            f"the method {self.spec!r} names the judge {name!r}; the judges of this run are {[judge.name for judge in self.judges]}."
        )


def _sasa(request: _Request, rule: Rule) -> Method:
    return SASA(
        request.subspaces(),
        config=replace(request.config, rule=rule, strength=request.number(), kl_budget=None),
        force=request.force,
    )


def _sasa_kl(request: _Request) -> Method:
    # The budget sets the scale, so the strength only has to be positive.
    return SASA(
        request.subspaces(),
        config=replace(request.config, strength=1.0, kl_budget=request.number()),
        force=request.force,
    )


def _best_of(request: _Request) -> Method:
    value, judge = request.split()
    if not value.is_integer():
        raise ValueError(f"{value:g} in the method {request.spec!r} is not a whole number of candidates.")
    scorer = request.judge(judge) if judge else request.only_subspace()
    return BestOfN(int(value), scorer, force=request.force)


def _reward(request: _Request) -> Method:
    strength, judge = request.split()
    return RewardGuided(judge_reward(request.judge(judge)), strength)


def _experts(request: _Request) -> Method:
    from gpu_commons import load_model

    alpha, sources = request.split()
    expert, _, anti_expert = sources.partition("+")
    models = [load_model(source).model if source else None for source in (expert, anti_expert)]
    return Experts(models[0], models[1], alpha)


_LOADERS: dict[str, Callable[[_Request], Method]] = {
    "plain": lambda request: Plain(),
    "sasa": partial(_sasa, rule="log_odds"),
    "sasa-bayes": partial(_sasa, rule="bayes"),
    "sasa-identity": partial(_sasa, rule="identity"),
    "sasa-softmax": partial(_sasa, rule="softmax"),
    "sasa-zscore": partial(_sasa, rule="zscore"),
    "sasa-kl": _sasa_kl,
    "static": lambda request: StaticBias(request.only_subspace(), request.number(), force=request.force),
    "self-debias": lambda request: SelfDebias(request.number()),
    "words": lambda request: WordFilter.from_file(request.argument),
    "best-of": _best_of,
    "reward": _reward,
    "experts": _experts,
}


def _form(spec: str) -> str:
    kind = spec.partition(":")[0]
    return " or ".join(form for form in FORMS if form.partition(":")[0] == kind)


def _unknown(spec: str) -> str:
    kind = spec.partition(":")[0]
    nearest = difflib.get_close_matches(kind, _LOADERS, 1)
    hint = f"; did you mean {_form(nearest[0])}?" if nearest else "."
    return f"{spec!r} is not a method; the forms are {', '.join(FORMS)}{hint}"
