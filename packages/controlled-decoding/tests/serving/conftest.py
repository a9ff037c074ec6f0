"""A server on a free loopback port, and OpenAI's own client in front of it."""

import copy
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from openai import OpenAI

from controlled_decoding.config import SASAConfig
from controlled_decoding.serving.engine import Engine
from controlled_decoding.serving.server import GracefulServer, bind
from controlled_decoding.steering import Steering

STRONG = SASAConfig(strength=3.0, rule="identity", top_p=0.95, max_candidates=8)


@dataclass
class Served:
    engine: Engine
    server: GracefulServer
    thread: threading.Thread
    client: OpenAI
    base_url: str

    def ask(self, prompt: str = "the quick brown", *, client: OpenAI | None = None, strength=None, **options):
        """A completion with short defaults: greedy, 12 tokens."""
        options = {"max_tokens": 12, "temperature": 0, "model": "tiny", **options}
        if strength is not None:
            options["extra_body"] = {"sasa": {"strength": strength}}
        return (client or self.client).completions.create(prompt=prompt, **options)

    def text(self, *arguments, **options) -> str:
        return self.ask(*arguments, **options).choices[0].text


@contextmanager
def serving(model, tokenizer, steering, limits=None):
    """A running server; it must leave no thread behind."""
    before = set(threading.enumerate())
    listener = bind("127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    with listener, Engine(model, tokenizer, steering, name="tiny", limits=limits) as engine:
        server = GracefulServer(engine)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
        thread.start()
        try:
            with OpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=60) as client:
                yield Served(engine, server, thread, client, base_url)
        finally:
            server.should_exit = True
            thread.join(20)
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not left & {"engine", "server"}


@pytest.fixture(scope="session")
def serve():
    return serving


@pytest.fixture(scope="session")
def steering(model, make_subspace) -> Steering:
    """Two attributes; without a word from the request both are steered at strength 3."""
    return Steering([make_subspace(model), make_subspace(model, seed=1, attribute="formality")], STRONG)


@pytest.fixture(scope="session")
def served(model, tokenizer, steering):
    """One server for all tests that do not need limits of their own."""
    with serving(model, tokenizer, steering) as running:
        yield running


@pytest.fixture(scope="session")
def reference(model):
    """A copy of the served model, for what it must equal: the served one belongs to the engine's thread."""
    return copy.deepcopy(model)
