"""ASGI middleware that refuses bodies beyond a size before anybody parses them."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controlled_decoding.serving.refusal import error_body

READ_ON = 8
"""Bodies up to this many limits are read to their end: who sends before listening gets the answer, not a reset."""


class BodyLimit:
    """Reads a request's body up to ``max_bytes`` and hands it on in one piece; more gets status 413."""

    def __init__(self, app: ASGIApp, *, max_bytes: int):
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body, size, more = bytearray(), 0, True
        while more and size <= READ_ON * self._max_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= self._max_bytes:
                body += chunk
        if size > self._max_bytes:
            sentence = f"the request is larger than {self._max_bytes} bytes, which is all this server reads."
            return await JSONResponse(error_body(413, sentence), 413)(scope, receive, send)
        return await self._app(scope, _replay(bytes(body), receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever the client does next (it can only hang up)."""
    read = False

    async def replayed() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
