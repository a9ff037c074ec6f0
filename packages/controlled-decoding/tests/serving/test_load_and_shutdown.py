"""Limits under load, clients that leave, failures, and how the server ends."""

import dataclasses
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import APIError, APITimeoutError, InternalServerError, RateLimitError

from controlled_decoding.serving.batch import RunningBatch
from controlled_decoding.serving.engine import ClosingError, Engine
from controlled_decoding.serving.limits import ServerLimits
from controlled_decoding.serving.server import bind, run_server
from controlled_decoding.steering import Steering


class Pace:
    """Stands in the way of every step of the engine: ``go`` lets steps pass, ``steps`` counts those that began."""

    def __init__(self, monkeypatch):
        self.go, self.steps, self.most_rows = threading.Event(), 0, 0
        step = RunningBatch.step

        def paced(batch):
            self.steps, self.most_rows = self.steps + 1, max(self.most_rows, len(batch.rows))
            self.go.wait(20)
            time.sleep(0.002)
            step(batch)

        monkeypatch.setattr(RunningBatch, "step", paced)

    def settled(self) -> int:
        """Steps taken by the time the engine rests."""
        seen = -1
        while seen != self.steps:
            seen = self.steps
            time.sleep(0.3)
        return seen


@pytest.fixture
def pace(monkeypatch):
    return Pace(monkeypatch)


def wait_until(condition, timeout=20):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


def test_a_full_queue_turns_requests_away_and_recovers(serve, model, tokenizer, steering, pace):
    limits = ServerLimits(max_rows=1, max_queue=2)
    with serve(model, tokenizer, steering, limits) as running, ThreadPoolExecutor(3) as pool:
        first = pool.submit(running.text)
        wait_until(lambda: pace.steps == 1)
        later = [pool.submit(running.text) for _ in range(2)]
        wait_until(lambda: len(running.engine._waiting) == 2)
        with pytest.raises(RateLimitError, match="2 answers wait already.*asks for 1 more.*at most 2"):
            running.text()
        pace.go.set()
        assert len({answer.result() for answer in [first, *later]}) == 1
        assert pace.most_rows == 1
        assert running.text() == first.result()


def test_rows_join_a_running_batch(serve, model, tokenizer, steering, pace):
    """A short request that comes later is done long before the running one."""
    pace.go.set()
    with serve(model, tokenizer, steering) as running, ThreadPoolExecutor(1) as pool:
        long = pool.submit(running.text, max_tokens=100)
        wait_until(lambda: pace.steps > 5)
        running.text(max_tokens=3)
        assert not long.done()
        assert pace.most_rows == 2


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_frees_its_rows(serve, model, tokenizer, steering, pace, stream):
    pace.go.set()
    with serve(model, tokenizer, steering) as running:
        if stream:
            with running.ask(max_tokens=400, stream=True) as chunks:
                next(iter(chunks))
        else:
            with pytest.raises(APITimeoutError):
                running.ask(max_tokens=400, timeout=0.3)
        assert 0 < pace.settled() < 400
        assert running.text(), "the server goes on"


def test_a_failing_batch_fails_alone(serve, model, tokenizer, steering, monkeypatch, caplog):
    def broken(batch):
        raise RuntimeError("boom")

    with serve(model, tokenizer, steering) as running:
        with monkeypatch.context() as patch:
            patch.setattr(RunningBatch, "step", broken)
            with pytest.raises(InternalServerError, match=r"failed on this batch \(RuntimeError\)"):
                running.text()
            with pytest.raises(APIError, match="failed on this batch"):
                list(running.ask(stream=True))
        assert running.text()
    assert "a batch of 1 answers failed" in caplog.text


def test_shutdown_lets_running_answers_finish(serve, model, tokenizer, steering, pace):
    pace.go.set()
    with serve(model, tokenizer, steering) as running, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(running.ask, max_tokens=100)
        wait_until(lambda: pace.steps > 5)
        running.server.should_exit = True
        assert answer.result().usage.completion_tokens == 100
        running.thread.join(10)
        with pytest.raises(ClosingError, match="shutting down"):
            running.engine.submit([])


def test_shutdown_cuts_off_what_outlasts_the_grace_time(serve, model, tokenizer, steering, pace):
    pace.go.set()
    with serve(model, tokenizer, steering, ServerLimits(grace_s=0.2)) as running, ThreadPoolExecutor(2) as pool:
        whole = pool.submit(running.ask, max_tokens=480)
        stream = pool.submit(lambda: list(running.ask(max_tokens=480, stream=True)))
        wait_until(lambda: pace.most_rows == 2)
        began, running.server.should_exit = time.monotonic(), True
        with pytest.raises(InternalServerError, match="shut down before the answer was complete") as cut_off:
            whole.result()
        assert cut_off.value.status_code == 503
        with pytest.raises(APIError, match="shut down before the answer was complete"):
            stream.result()
        running.thread.join(10)
        assert time.monotonic() - began < 4


def test_health_tells_whether_requests_are_taken(serve, model, tokenizer, steering):
    with serve(model, tokenizer, steering) as running:
        url = running.base_url.removesuffix("/v1") + "/health"
        assert httpx.get(url).json() == {"status": "ok"}
        running.engine.drain(grace_s=5.0)
        assert httpx.get(url).status_code == 503
        with pytest.raises(InternalServerError, match="takes no more requests"):
            running.text()


def test_a_port_in_use_is_said_before_anything_is_loaded():
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)
    bind("127.0.0.1", port).close()


def test_an_address_that_cannot_be_bound_is_named():
    with pytest.raises(ValueError, match="`port` must be in"):
        bind("127.0.0.1", 70_000)
    with pytest.raises(ValueError, match="'no.such.host.invalid' is no address"):
        bind("no.such.host.invalid", 0)
    with pytest.raises(OSError, match="port 0 on 192.0.2.1 cannot be used"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize("limits", [{"max_rows": 0}, {"max_queue": -1}, {"grace_s": float("inf")}])
def test_impossible_limits_are_refused(limits):
    with pytest.raises(ValueError, match=f"`{next(iter(limits))}` must be finite and at least"):
        ServerLimits(**limits)


def test_a_foreign_subspace_is_refused_before_serving(model, tokenizer, make_subspace):
    foreign = dataclasses.replace(make_subspace(model), model="0" * 16)
    with pytest.raises(ValueError, match="was fitted on model"):
        Engine(model, tokenizer, Steering(foreign))


def test_settings_the_server_does_not_apply_are_logged(reference, tokenizer, steering, monkeypatch, caplog):
    monkeypatch.setattr(reference.generation_config, "repetition_penalty", 1.2)
    Engine(reference, tokenizer, steering)
    assert "sets repetition_penalty, which the server does not apply" in caplog.text


def test_a_signal_ends_the_server_in_good_order(model, tokenizer, steering):
    """`run_server` returns instead of dying, the running stream is finished, and the old signal handler is back."""
    listener, handler, lines = bind("127.0.0.1", 0), signal.getsignal(signal.SIGTERM), []

    def stream_and_signal(port: int) -> None:
        body = {"model": "tiny", "prompt": "the quick", "max_tokens": 100, "stream": True, "temperature": 0}
        with httpx.stream("POST", f"http://127.0.0.1:{port}/v1/completions", json=body, timeout=60) as reply:
            for line in reply.iter_lines():
                if not lines:  # the server is up, so its handler is in place
                    os.kill(os.getpid(), signal.SIGTERM)
                lines.append(line)

    with ThreadPoolExecutor(1) as pool:
        client = pool.submit(stream_and_signal, listener.getsockname()[1])
        run_server(model, tokenizer, steering, listener=listener, name="tiny")
        client.result()
    assert [line for line in lines if line][-1] == "data: [DONE]"
    assert signal.getsignal(signal.SIGTERM) is handler
    assert listener.fileno() == -1
