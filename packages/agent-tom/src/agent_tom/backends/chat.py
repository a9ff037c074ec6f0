"""A tokenizer's chat template as text around the turn of a user, so that the turn can grow in a cache."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_QUESTION, _ANSWER = "[[question]]", "[[answer]]"
_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True)
class ChatFrame:
    """What a template puts around a user's turn and the model's own after it.

    Attributes:
        before: Up to the user's text, with a system turn if the template would otherwise fill in one of its own.
        after: From there to the model's text.
        end: What ends the model's turn; empty if nothing does.
    """

    before: str
    after: str
    end: str

    def around(self, question: str, *, thinking: bool = False) -> str:
        """A question as the end of the user's turn; its last line begins the model's own.

        Args:
            question: Such as "Which do you choose?", and in a line of its own "Answer:".
            thinking: Whether thoughts that the template opens stay open.
        """
        asked, _, begun = question.rpartition("\n")
        return asked + (self.after if thinking else closed(self.after)) + begun


def chat_frame(tokenizer: "PreTrainedTokenizerBase") -> ChatFrame:
    """The frame of a tokenizer's own template.

    Templates may fill in a system turn that nobody asked for. So an empty one is given, unless the template does
    without any, or refuses it.

    Raises:
        ValueError: If the tokenizer has no template.
    """
    from jinja2.exceptions import TemplateError

    if not tokenizer.chat_template:
        raise ValueError(
            f"the tokenizer of {tokenizer.name_or_path or 'this model'} has no chat template; set `chat` to false, or take "
            "a model that was trained to chat."
        )
    user, system = {"role": "user", "content": _QUESTION}, {"role": "system", "content": ""}
    turns = [user]
    try:
        if len(_rendered(tokenizer, [system, user])) <= len(_rendered(tokenizer, [user])):
            turns = [system, user]
    except TemplateError:
        pass  # templates raise where they know no system turn
    before, _, after = _rendered(tokenizer, turns).partition(_QUESTION)
    answered = _rendered(tokenizer, [*turns, {"role": "assistant", "content": _ANSWER}], ask=False)
    return ChatFrame(before, after, answered.rpartition(_ANSWER)[2].strip())


def closed(text: str) -> str:
    """A text with its last thoughts ended, as reasoning models mark them."""
    return f"{text.rstrip()}\n{_CLOSE}\n" if text.rfind(_OPEN) > text.rfind(_CLOSE) else text


def without_thoughts(text: str) -> str:
    """What a reasoning model wrote beside its thoughts, which reach to the text's end if nothing ends them."""
    return text.rpartition(_CLOSE)[2].partition(_OPEN)[0].strip()


def _rendered(tokenizer: "PreTrainedTokenizerBase", turns: list[dict[str, str]], *, ask: bool = True) -> str:
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask))
