"""Scores of a server equal those of the same model at hand, and whatever a server does wrong loses nothing."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from agent_tom import make_agent, make_game, make_partner, play
from agent_tom.backends import Written
from agent_tom.backends.server_backend import ServerBackend

TEXTS, PROBES = ["a text", "another text that is longer"], ["\nanswer:", "\nanswer:"]
OPTIONS = [[" J\n", " F\n"], [" F\n", " J\n"]]


def token_log_prob(before, token):
    """A model whose tokens are letters, and that likes letters near the last one of what it has read."""
    return -math.log(2 + abs(ord(token) - ord(before[-1])))


class Server:
    """A server of that model; ``faults`` are what it answers first, in turn."""

    def __init__(self):
        self.requests, self.faults, self.echoes = [], [], True
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                served.requests.append(request)
                status, answer = served.answer(request)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request):
        if self.faults:
            return self.faults.pop(0), {"error": {"message": "not now"}}
        if request.get("echo") and not self.echoes:
            return 400, {"error": {"message": "echo is not supported"}}
        if request.get("echo"):
            text = request["prompt"] + "!"
            values = [None, *(token_log_prob(text[:place], text[place]) for place in range(1, len(text)))]
            logprobs = {"tokens": list(text), "text_offset": list(range(len(text))), "token_logprobs": values}
            choices = [{"index": 0, "text": text, "logprobs": logprobs, "finish_reason": "length"}]
        elif "n" not in request:
            whole = f" {request['seed']} is what {request['temperature']:g} says.\nQuestion: and so on"
            text = whole.partition((request.get("stop") or ["?"])[0])[0]
            cut = text[: request["max_tokens"]]
            ended = "stop" if cut == text else "length"
            choices = [{"index": 0, "text": cut, "logprobs": None, "finish_reason": ended}]
        else:
            said = [" J", " F", " F", "something else"]
            choices = [
                {"index": place, "text": said[place % 4], "logprobs": None, "finish_reason": "stop"}
                for place in range(request["n"])
            ]
        answer = {"id": "1", "object": "text_completion", "created": 0, "model": "letters", "choices": choices}
        read, written = len(request["prompt"]), len(choices[0]["text"])
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        return 200, {**answer, "usage": usage}


@pytest.fixture
def server():
    served = Server()
    yield served
    served.http.shutdown()
    served.http.server_close()


def backend(server, **settings):
    found = ServerBackend("letters", url=server.url, retries=2, **settings)
    found.begin(TEXTS)
    return found


def by_hand(text, option):
    whole = text + option
    return sum(token_log_prob(whole[:place], whole[place]) for place in range(len(text), len(whole)))


def test_scores_are_those_of_the_options_alone(server):
    asked = backend(server)
    found = asked.score(PROBES, OPTIONS)
    expected = [
        [by_hand(text + probe, option) for option in row]
        for text, probe, row in zip(TEXTS, PROBES, OPTIONS, strict=True)
    ]
    assert found == pytest.approx(np.array(expected))
    asked.append([" and more", " and less"])
    assert asked.score(PROBES, OPTIONS)[0, 1] == pytest.approx(by_hand("a text and more\nanswer:", " F\n"))


def test_without_log_probs_samples_are_counted_and_that_is_said(server):
    server.echoes = False
    asked = backend(server, samples=8)
    with pytest.warns(
        UserWarning, match="gives no log-probabilities of prompts, .* frequencies among 8 sampled answers"
    ):
        found = asked.score(PROBES, OPTIONS)
    assert np.exp(found) == pytest.approx(np.array([[0.25, 0.5], [0.5, 0.25]]))


def test_texts_are_written_with_a_seed_of_their_own_and_kept(server, tmp_path):
    asked = backend(server, cache=tmp_path)
    draws = np.array([0.25, 0.75])
    found = asked.generate(PROBES, max_tokens=50, stop=["\nQuestion:"], draws=draws)
    text = f" {2**29} is what 1 says."
    assert found[0] == Written(text, len(text), cut_off=False)
    assert found[1].text.split()[0] == str(3 * 2**29)
    assert sorted(request["prompt"] for request in server.requests) == sorted(
        text + probe for text, probe in zip(TEXTS, PROBES, strict=True)
    )
    assert asked.tokens_read == sum(len(text + probe) for text, probe in zip(TEXTS, PROBES, strict=True)) + sum(
        each.num_tokens for each in found
    )
    server.requests.clear()
    again = backend(server, cache=tmp_path)
    assert again.generate(PROBES, max_tokens=50, stop=["\nQuestion:"], draws=draws) == found
    assert not server.requests


def test_a_text_of_a_server_may_be_greedy_and_cut_off(server):
    found = backend(server).generate(PROBES, max_tokens=4)
    assert found == [Written(" 0 i", 4, cut_off=True)] * 2
    assert {request["temperature"] for request in server.requests} == {0.0}


def test_faults_that_pass_are_asked_again(server):
    server.faults = [500, 503]
    assert np.isfinite(backend(server).score(PROBES, OPTIONS)).all()


def test_nothing_is_asked_twice_after_a_server_failed_for_good(server, tmp_path):
    asked = backend(server, cache=tmp_path, at_once=1)
    asked.score(PROBES, OPTIONS)
    server.requests.clear()
    server.faults = [500] * 99
    again = backend(server, cache=tmp_path, at_once=1)
    kept = again.score(PROBES, OPTIONS)
    assert not server.requests
    again.append([" and more", " and more"])
    with pytest.raises(ConnectionError, match="failed for good .* Answers so far are kept; run again to go on"):
        again.score(PROBES, OPTIONS)
    assert 3 <= len(server.requests) <= 6  # a request and its two retries, and perhaps one that had begun
    server.faults = []
    server.requests.clear()
    assert np.array_equal(backend(server, cache=tmp_path).score(PROBES, OPTIONS), kept)
    assert not server.requests


def test_a_server_that_stops_telling_is_named(server):
    asked = backend(server)
    asked.score(PROBES, OPTIONS)
    server.answer = lambda request: (
        200,
        {
            "id": "1",
            "object": "text_completion",
            "created": 0,
            "model": "letters",
            "choices": [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}],
        },
    )
    with pytest.raises(ConnectionError, match="gave no log-probabilities for ' J"):
        asked.score(PROBES, OPTIONS)


@pytest.mark.filterwarnings("ignore:only .* of the probability:UserWarning")  # letters one by one are unlikely
def test_an_agent_can_play_through_a_server(server, tmp_path):
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 2)
    agent = make_agent(
        {"name": "language_model", "model": "letters", "server": server.url, "answers": str(tmp_path / "answers")}
    )
    episodes = play(game, partner, agent, horizon=2, episodes=2)
    assert len(list((tmp_path / "answers").iterdir())) == len(server.requests) > 0
    assert episodes.legal_masses is not None
    assert ((episodes.legal_masses > 0) & (episodes.legal_masses < 1)).all()
