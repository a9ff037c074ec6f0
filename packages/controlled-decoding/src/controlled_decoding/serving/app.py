"""The HTTP side: routes, streams and errors in front of an engine."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from controlled_decoding.serving.body_limit import BodyLimit
from controlled_decoding.serving.engine import ClosingError, Engine, QueueFullError
from controlled_decoding.serving.openai_format import AnswerFormat, ChatFormat, CompletionFormat
from controlled_decoding.serving.prompting import Prompting
from controlled_decoding.serving.refusal import RefusalError, error_body, validation_sentence
from controlled_decoding.serving.row import Piece, Row
from controlled_decoding.serving.schemas import ChatRequest, CompletionRequest, GenerationRequest

CLIENT_GONE = 499
"""Nobody reads this status; logs show it."""


def create_app(engine: Engine) -> FastAPI:
    """The application in front of a started engine; it holds no other state."""
    app = FastAPI(title="controlled-decoding", docs_url=None, redoc_url=None)
    app.add_middleware(BodyLimit, max_bytes=engine.limits.max_body_bytes)
    prompting, started = Prompting(engine), int(time.time())

    @app.post("/v1/chat/completions")
    async def chat(body: ChatRequest, request: Request) -> Response:
        _check_model(engine, body)
        answers = Answers(engine)
        prompts = prompting.chat(body)
        rows = prompting.rows(
            body, prompts, max_tokens=body.max_completion_tokens or body.max_tokens, tell=answers.tell
        )
        return await answers.respond(request, body, rows, ChatFormat(engine.name, len(prompts[0]), len(rows)))

    @app.post("/v1/completions")
    async def complete(body: CompletionRequest, request: Request) -> Response:
        _check_model(engine, body)
        answers = Answers(engine)
        prompts = prompting.completion(body)
        rows = prompting.rows(body, prompts, max_tokens=body.max_tokens, tell=answers.tell)
        return await answers.respond(
            request, body, rows, CompletionFormat(engine.name, sum(map(len, prompts)), len(rows))
        )

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        defaults = dict(zip(engine.steering.attributes, engine.steering.strengths(1)[0].tolist(), strict=True))
        model = {"id": engine.name, "object": "model", "created": started, "owned_by": "controlled-decoding"}
        return {"object": "list", "data": [model | {"sasa": {"strengths": defaults}}]}

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse({"status": "ok"}) if engine.accepts else JSONResponse({"status": "closing"}, 503)

    _answer_errors_in_openai_layout(app)
    return app


class Answers:
    """The pieces of one request's answers on their way from the engine's thread to the client."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Piece] = asyncio.Queue()

    def tell(self, piece: Piece) -> None:
        """Called by the engine's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    async def respond(
        self, request: Request, body: GenerationRequest, rows: list[Row], layout: AnswerFormat
    ) -> Response:
        """Generate, and answer as a stream or as a whole; a client that hangs up frees its rows."""
        try:
            self._engine.submit(rows)
        except QueueFullError as error:
            raise RefusalError(429, str(error)) from error
        except ClosingError as error:
            raise RefusalError(503, str(error)) from error
        if body.stream:
            return StreamingResponse(
                self._stream(rows, layout, usage=body.wants_usage_chunk), media_type="text/event-stream"
            )
        return await self._whole(request, rows, layout)

    async def _stream(self, rows: list[Row], layout: AnswerFormat, *, usage: bool) -> AsyncIterator[str]:
        try:
            for opening in layout.openings():
                yield _event(opening)
            async for piece in self._until_all_done(rows):
                yield _event(layout.chunk(piece))
            if usage:
                yield _event(layout.usage_chunk())
            yield "data: [DONE]\n\n"
        except RefusalError as error:
            yield _event(error_body(error.status, error.sentence))
        finally:
            self._engine.cancel(rows)

    async def _whole(self, request: Request, rows: list[Row], layout: AnswerFormat) -> Response:
        answer = asyncio.ensure_future(self._collect(rows))
        hang_up = asyncio.ensure_future(_hang_up(request))
        try:
            await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
            return JSONResponse(layout.whole(answer.result())) if answer.done() else Response(status_code=CLIENT_GONE)
        finally:
            self._engine.cancel(rows)
            answer.cancel()
            hang_up.cancel()

    async def _collect(self, rows: list[Row]) -> list[Piece]:
        return [piece async for piece in self._until_all_done(rows)]

    async def _until_all_done(self, rows: list[Row]) -> AsyncIterator[Piece]:
        unfinished = len(rows)
        while unfinished:
            piece = await self._pieces.get()
            if piece.error is not None:
                raise RefusalError(503 if piece.is_cut_off else 500, piece.error)
            unfinished -= piece.finish_reason is not None
            yield piece


def _check_model(engine: Engine, body: GenerationRequest) -> None:
    if body.model != engine.name:
        raise RefusalError(
            404, f"there is no model {body.model!r} here; this server has {engine.name!r}.", code="model_not_found"
        )


async def _hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _answer_errors_in_openai_layout(app: FastAPI) -> None:
    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        return JSONResponse(error_body(error.status, error.sentence, code=error.code), error.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return JSONResponse(error_body(400, validation_sentence(error.errors())), 400)

    @app.exception_handler(HTTPException)
    async def unknown_route(request: Request, error: HTTPException) -> Response:
        sentence = f"{request.method} {request.url.path}: {error.detail}."
        return JSONResponse(error_body(error.status_code, sentence), error.status_code)
