"""Binding, running and stopping the server; what the command line's ``serve`` calls."""

import contextlib
import errno
import logging
import signal
import socket
import threading
from collections.abc import Iterator

import uvicorn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding.serving.app import create_app
from controlled_decoding.serving.engine import Engine
from controlled_decoding.serving.limits import ServerLimits
from controlled_decoding.steering import Steering

logger = logging.getLogger(__name__)
SEND_S = 5
"""Seconds that responses get to leave in after their generation was cut off."""


def bind(host: str, port: int) -> socket.socket:
    """Claim an address, before anything slow such as loading a model.

    Args:
        host: Name or address of a local interface; "127.0.0.1" admits this machine only.
        port: 0 takes any free one.

    Raises:
        ValueError: If the port is no port, or the host cannot be resolved.
        OSError: If the address is in use or may not be used.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"`port` must be in [0, 65535], got {port}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except socket.gaierror as error:
        raise ValueError(f"`host` {host!r} is no address of this machine ({error.strerror}).") from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()  # a bound socket that does not listen would let a second server bind too
    except OSError as error:
        listener.close()
        cause = (
            "is in use; choose another with --port"
            if error.errno == errno.EADDRINUSE
            else f"cannot be used ({error.strerror})"
        )
        raise OSError(error.errno, f"port {port} on {host} {cause}.") from error
    return listener


def run_server(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    steering: Steering,
    *,
    listener: socket.socket,
    name: str = "model",
    limits: ServerLimits | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then let running answers finish for ``limits.grace_s`` seconds and return.

    Args:
        model: A causal language model; nothing else may run it meanwhile.
        steering: Subspaces, settings, and the strength of requests that name none.
        listener: From :func:`bind`; closed at the end.
        name: Of the model, as requests must call it.

    Raises:
        ValueError: If the subspaces do not fit the model.
    """
    with listener, Engine(model, tokenizer, steering, name=name, limits=limits) as engine:
        host, port = listener.getsockname()[:2]
        logger.info("serving %s on http://%s:%d/v1", name, host, port)
        GracefulServer(engine).run(sockets=[listener])


class GracefulServer(uvicorn.Server):
    """Uvicorn in front of an engine; a signal (or ``should_exit``) ends it in good order, not the process."""

    def __init__(self, engine: Engine):
        self._engine = engine
        grace = int(engine.limits.grace_s) + SEND_S
        # Named implementations: what else happens to be installed does not change how this server behaves.
        config = uvicorn.Config(
            create_app(engine),
            timeout_graceful_shutdown=grace,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse new requests and give the running ones their time."""
        self._engine.drain(grace_s=self._engine.limits.grace_s)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Like uvicorn's, without raising the signal once more at the end: having shut down as asked is no failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
