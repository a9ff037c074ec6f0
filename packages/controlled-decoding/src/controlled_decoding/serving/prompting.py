"""From a request to the rows of the engine: tokens, lengths, seeds."""

import copy
import secrets
from collections.abc import Callable, Sequence

from jinja2 import TemplateError

from controlled_decoding.serving.engine import Engine
from controlled_decoding.serving.refusal import RefusalError
from controlled_decoding.serving.row import Piece, Row
from controlled_decoding.serving.sampling import Sampling
from controlled_decoding.serving.schemas import ChatRequest, CompletionRequest, GenerationRequest, strengths_of


class Prompting:
    """Turns requests into rows, or refuses them.

    It tokenises with a copy of its own, since fast tokenizers may not be used by two threads at once.
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self._tokenizer = copy.deepcopy(engine.tokenizer)

    def chat(self, request: ChatRequest) -> list[list[int]]:
        """The conversation in the model's own chat format, ready for the assistant's turn."""
        if not self._tokenizer.chat_template:
            raise RefusalError(400, "the model's tokenizer has no chat template; use /v1/completions.")
        turns = [message.for_template() for message in request.messages]
        try:
            return [self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)]
        except TemplateError as error:
            raise RefusalError(400, f"the model's chat template refuses these messages: {error}.") from error

    def completion(self, request: CompletionRequest) -> list[list[int]]:
        """The prompts as they are."""
        prompts = [self._tokenizer(prompt)["input_ids"] for prompt in request.prompt]
        if [] in prompts:
            raise RefusalError(400, f"prompt {prompts.index([])} is empty; there is nothing to continue.")
        return prompts

    def rows(
        self,
        request: GenerationRequest,
        prompts: Sequence[Sequence[int]],
        *,
        max_tokens: int | None,
        tell: Callable[[Piece], None],
    ) -> list[Row]:
        """One row for each prompt and choice, a prompt's choices adjacent; choice i has the request's seed + i."""
        engine = self._engine
        self._check_size(request, prompts)
        max_new_tokens = self._max_new_tokens(max(map(len, prompts)), max_tokens)
        try:
            strengths = strengths_of(request.sasa, engine.steering)
        except ValueError as error:
            raise RefusalError(400, str(error)) from error
        seed = secrets.randbits(63) if request.seed is None else request.seed % (1 << 63)
        sampling = Sampling(temperature=request.temperature, top_p=request.top_p, seed=seed)
        choices = [(prompt, choice) for prompt in prompts for choice in range(request.n)]
        return [
            Row(
                engine.tokenizer,
                prompt,
                strengths,
                sampling.for_choice(choice),
                tell=tell,
                max_new_tokens=max_new_tokens,
                index=index,
                stops=request.stop,
                continues_text=isinstance(request, CompletionRequest),
            )
            for index, (prompt, choice) in enumerate(choices)
        ]

    def _check_size(self, request: GenerationRequest, prompts: Sequence[Sequence[int]]) -> None:
        num_answers, at_most = request.n * len(prompts), self._engine.limits.max_queue
        if num_answers > at_most:
            raise RefusalError(
                400, f"the request asks for {num_answers} answers (prompts times `n`); at most {at_most} are allowed."
            )

    def _max_new_tokens(self, longest_prompt: int, asked: int | None) -> int:
        limit, context = self._engine.limits.max_new_tokens, self._engine.context
        if asked is not None and asked > limit:
            raise RefusalError(
                400, f"`max_tokens` is {asked}; this server generates at most {limit} tokens per answer."
            )
        room = limit if context is None else context - longest_prompt
        if room < (asked or 1):
            raise RefusalError(
                400,
                f"a prompt of {longest_prompt} tokens and an answer of {asked or 1} do not fit into the context of {context} tokens; "
                "shorten one of them.",
                code="context_length_exceeded",
            )
        return asked or min(limit, room)
