"""What requests may contain, checked before anything is generated; every refusal is a sentence."""

import difflib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from controlled_decoding.config import check_strength
from controlled_decoding.steering import Steering

IGNORED = frozenset(
    {
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "parallel_tool_calls",
    }
)
"""Parameters that change nothing about an answer here."""
UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "prediction": (),
    "presence_penalty": (0,),
    "reasoning_effort": (),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "verbosity": (),
    "web_search_options": (),
}
"""Parameters of the OpenAI API that are refused, unless they have one of the values that ask for nothing."""
MAX_STOPS = 16
Strings = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
"""A list of strings, or one string instead."""


class SteeringRequest(BaseModel):
    """``sasa`` in the extra body: how this request is steered.

    ``strength`` alone applies to all attributes, times their weights; with ``attribute`` to that one only;
    ``strengths`` gives a beta per attribute. Where attributes are named, the others are not steered.
    """

    model_config = ConfigDict(extra="forbid")
    strength: float | None = None
    attribute: str | None = None
    strengths: dict[str, float] | None = None

    @model_validator(mode="after")
    def _check(self) -> "SteeringRequest":
        if self.strengths is not None and (self.strength is not None or self.attribute is not None):
            raise ValueError("`sasa` has both `strengths` and `strength` or `attribute`; give one kind.")
        for strength in [self.strength or 0.0, *(self.strengths or {}).values()]:
            check_strength(strength)
        return self


class StreamOptions(BaseModel):
    """How a stream ends."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool = False


class GenerationRequest(BaseModel):
    """What chat and completion requests share."""

    model_config = ConfigDict(extra="allow")
    model: str
    n: int = Field(1, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int | None = None
    stop: Strings = []
    stream: bool = False
    stream_options: StreamOptions | None = None
    sasa: SteeringRequest | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, values: Any) -> Any:
        return (
            {name: value for name, value in values.items() if value is not None} if isinstance(values, dict) else values
        )

    @model_validator(mode="after")
    def _check(self) -> "GenerationRequest":
        for name, value in (self.model_extra or {}).items():
            if name in UNSUPPORTED and value not in UNSUPPORTED[name]:
                raise ValueError(f"`{name}` is not supported by this server; leave it out.")
            if name not in UNSUPPORTED and name not in IGNORED:
                raise ValueError(f"`{name}` is not a known parameter{self._nearest(name)}.")
        if len(self.stop) > MAX_STOPS or "" in self.stop:
            raise ValueError(f"`stop` takes up to {MAX_STOPS} strings that are not empty.")
        if self.stream_options is not None and not self.stream:
            raise ValueError("`stream_options` is only allowed with `stream: true`.")
        return self

    @property
    def wants_usage_chunk(self) -> bool:
        """Whether a stream ends with the token counts."""
        return self.stream_options is not None and self.stream_options.include_usage

    def _nearest(self, name: str) -> str:
        known = [*type(self).model_fields, *IGNORED, *UNSUPPORTED]
        near = difflib.get_close_matches(name, known, n=1)
        return f"; did you mean `{near[0]}`?" if near else ""


class TextPart(BaseModel):
    """A part of a message; only text can be read."""

    type: Literal["text"]
    text: str


def _as_parts(content: Any) -> Any:
    return [TextPart(type="text", text=content)] if isinstance(content, str) else content


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[TextPart], BeforeValidator(_as_parts)]

    def for_template(self) -> dict[str, str]:
        """As chat templates expect it."""
        role = "system" if self.role == "developer" else self.role
        return {"role": role, "content": "".join(part.text for part in self.content)}


class ChatRequest(GenerationRequest):
    """Body of ``/v1/chat/completions``."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)


class CompletionRequest(GenerationRequest):
    """Body of ``/v1/completions``."""

    prompt: Annotated[Strings, Field(min_length=1)]
    max_tokens: int | None = Field(16, ge=1)  # the API's own default


def strengths_of(request: SteeringRequest | None, steering: Steering) -> list[float]:
    """Beta per attribute of the steering, in its order.

    Raises:
        ValueError: If an attribute is unknown; the message lists those that can be steered.
    """
    defaults = steering.strengths(1)[0].tolist()
    if request is None:
        return defaults
    named: dict[str, float | None] = {**(request.strengths or {})}
    if request.attribute is not None:
        named[request.attribute] = request.strength
    for attribute in named:
        if attribute not in steering.attributes:
            raise ValueError(
                f"`sasa` names the attribute {attribute!r}; this server steers {', '.join(map(repr, steering.attributes))}."
            )
    if named or request.strengths is not None:
        chosen = [named.get(attribute, 0.0) for attribute in steering.attributes]
        return [default if strength is None else strength for strength, default in zip(chosen, defaults, strict=True)]
    return defaults if request.strength is None else [request.strength * weight for weight in steering.weights]
