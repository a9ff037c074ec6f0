"""Training lowers the loss of what it is shown, leaves the base alone, and can be cut off."""

import json

import pytest
import torch
from transformers import TrainerCallback

from gpu_commons.testing import tiny_model
from memory_llm.epman import train as train_module
from memory_llm.epman.adapter import add_lora, load_epman
from memory_llm.epman.cache import EpMANCache
from memory_llm.epman.chunk_mask import QUESTION
from memory_llm.epman.episode import Episode, read_episodes, write_episodes
from memory_llm.epman.episode_accuracy import answered
from memory_llm.epman.episode_batch import EpisodeCollator, training_config
from memory_llm.epman.episode_draws import Draw, EpisodeDraws
from memory_llm.epman.gated_attention import attention_route
from memory_llm.epman.make_episodes import EpisodeMaker
from memory_llm.epman.objective import EpMANObjective
from memory_llm.epman.retriever_head import RetrieverHead, TurnedRetriever
from memory_llm.epman.train import train_epman

CHUNKS = ("roses are red.", "the fox sleeps.", "numbers such as 0 1 2.", "the garden is lovely.")
EPISODES = [
    Episode(question="what are roses?", answer="red", chunks=CHUNKS, gold=(0,)),
    Episode(question="who sleeps?", answer="the fox", chunks=CHUNKS, gold=(1,)),
]
DRAWS = [Draw(episode, 0) for episode in EPISODES]


class Letters:
    """Vectors of the letters in a text."""

    fingerprint = "letters"

    def encode_chunks(self, texts):
        counts = torch.tensor([[float(text.count(letter)) for letter in "abcdefghijklmnopqrst"] for text in texts])
        return torch.nn.functional.normalize(counts, dim=-1)

    encode_questions = encode_chunks

    def scores(self, questions, texts, encoded):
        return self.encode_questions(questions) @ encoded.mT


def test_episodes_survive_a_file_and_bad_rows_are_named(tmp_path):
    path = write_episodes(EPISODES, tmp_path / "episodes.jsonl")
    assert read_episodes(path) == EPISODES
    row = json.loads(path.read_text().splitlines()[0])
    for change, message in (
        ({"gold": [4]}, "line 1: `gold` must list numbers of chunks from 0 to 3"),
        ({"chunks": []}, "line 1: `chunks` must be a list of texts"),
        ({"answer": " "}, "line 1: the text in column 'answer' is empty"),
    ):
        path.write_text(json.dumps({**row, **change}) + "\n")
        with pytest.raises(ValueError, match=message):
            read_episodes(path)
    path.write_text("")
    with pytest.raises(ValueError, match="holds no episodes"):
        read_episodes(path)


def test_a_batch_gates_chunks_and_nothing_else(make_epman):
    model = make_epman(header="a model reads")
    model.config.attn_scope = "narrow"
    batch = EpisodeCollator(model, training_config(model.config, gates="uniform", layout="full"))(DRAWS)
    for row, episode in enumerate(EPISODES):
        length = int(batch["attention_mask"][row].sum())
        ids, gates = batch["input_ids"][row, :length].tolist(), batch["a_mem"][row]
        tokens = [model.tokenizer(chunk, add_special_tokens=False)["input_ids"] for chunk in episode.chunks]
        header = model.tokenizer("a model reads", add_special_tokens=False)["input_ids"]
        assert ids[: len(header)] == header
        spread = [gate for chunk, gate in zip(tokens, _uniform(model, episode), strict=True) for _ in chunk]
        assert gates[len(header) : len(header) + len(spread)].tolist() == spread
        assert set(gates[len(header) + len(spread) :].tolist()) == {1.0}
        said = batch["labels"][row][batch["labels"][row] >= 0].tolist()
        assert model.tokenizer.decode(said, skip_special_tokens=True) == f" {episode.answer}"
        assert said[-1] == model.tokenizer.eos_token_id


def _uniform(model, episode):
    scores = model.retriever.scores([episode.question], episode.chunks, None)[0]
    best = scores.topk(2).indices.tolist()
    return [float(number in best) for number in range(len(episode.chunks))]


def test_chunks_that_are_too_long_are_cut_and_counted(make_epman):
    model = make_epman(chunk_size=4)
    collator = EpisodeCollator(model, training_config(model.config))
    collator(DRAWS)
    assert 4 <= collator.num_chunks <= 8  # two found and their neighbours, of two episodes
    assert 0 < collator.num_cut <= collator.num_chunks


@pytest.mark.parametrize("family", ["llama", "qwen"])
@pytest.mark.parametrize("gates", ["uniform", "exact"])
@pytest.mark.parametrize(("prefill", "layout"), [("independent", "gather"), ("full", "full"), ("independent", "full")])
def test_the_loss_is_that_of_use(make_epman, document, family, gates, prefill, layout):
    """What training sees in one pass is what the cache hands out: the same loss, through all layers."""
    model = make_epman(family, prefill=prefill, layout=layout, a_mem_mode=gates, attn_scope="narrow")
    memory = model.write(document)
    episode = Episode(question="roses are", answer="red", chunks=tuple(memory.texts), gold=(0,))
    batch = EpisodeCollator(model, training_config(model.config, gates=gates, layout=layout))([Draw(episode, 0)])
    asked = int((batch["parts"] == QUESTION).sum())
    with torch.no_grad():
        with attention_route(model.decoder):
            found = EpMANObjective(model.decoder, apart=prefill == "independent")(**batch)["loss"]
        expected = model(
            batch["input_ids"][:, -asked:],
            labels=batch["labels"][:, -asked:],
            reading=model.read("roses are", memory),
            cache=EpMANCache(model.decoder.config),
        ).loss
    assert torch.allclose(found, expected, atol=1e-6)


def test_training_learns_and_leaves_the_base_alone(make_epman, tmp_path):
    model = make_epman()
    weights = {name: part.clone() for name, part in model.decoder.state_dict().items()}
    memory = model.write("roses are red.")
    trained = train_epman(
        model, EPISODES * 8, tmp_path, batch_size=2, accumulate=1, epochs=5.0, learning_rate=2e-2, logging_steps=5
    )
    log = [json.loads(line) for line in (tmp_path / "checkpoints" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.5 * log[0]["loss"]
    after = {name.replace(".base_layer", ""): part for name, part in trained.decoder.state_dict().items()}
    assert all(torch.equal(part, after[name]) for name, part in weights.items())
    with pytest.raises(ValueError, match="was written with decoder="):
        trained.read("roses", memory)
    again = load_epman(tmp_path, tiny_model("llama"), model.tokenizer, model.retriever)
    fresh, other = trained.write("".join(CHUNKS)), again.write("".join(CHUNKS))
    ids = torch.tensor([[5, 6]])
    with torch.no_grad():
        logits = [one(ids, reading=one.read("roses", kept)).logits for one, kept in ((trained, fresh), (again, other))]
    assert torch.equal(*logits)


def test_a_head_learns_which_chunk_it_is(make_epman, tmp_path):
    model = make_epman()
    model.retriever = Letters()
    trained = train_epman(
        model,
        EPISODES * 8,
        tmp_path,
        batch_size=2,
        accumulate=1,
        epochs=5.0,
        learning_rate=2e-2,
        train_retriever=True,
        retrieval_weight=1.0,
        logging_steps=5,
    )
    log = [json.loads(line) for line in (tmp_path / "checkpoints" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["retrieval_loss"] < 0.5 * log[0]["retrieval_loss"]
    assert isinstance(trained.retriever, TurnedRetriever)
    again = load_epman(tmp_path, tiny_model("llama"), model.tokenizer, Letters())
    assert torch.equal(again.retriever.encode_questions(["who"]), trained.retriever.encode_questions(["who"]))
    with pytest.raises(ValueError, match="a head for a dense retriever"):
        load_epman(tmp_path, tiny_model("llama"), model.tokenizer, make_epman().retriever)
    wider = Letters()
    wider.encode_questions = lambda questions: torch.ones(len(questions), 40)
    with pytest.raises(ValueError, match="a retriever of width 20, but the one given has 40"):
        load_epman(tmp_path, tiny_model("llama"), model.tokenizer, wider)


def test_gates_outside_their_range_are_refused_in_training(make_epman):
    model = make_epman()
    batch = EpisodeCollator(model, training_config(model.config))([Draw(EPISODES[0], 0)])
    batch["a_mem"][0, 3] = 1.5
    with pytest.raises(ValueError, match=r"the gate at \[0, 3\] is 1.5"):
        EpMANObjective(model.decoder)(**batch)


def test_draws_depend_on_their_place_alone():
    many = [Episode(question=str(number), answer="a", chunks=CHUNKS, gold=(0,)) for number in range(7)]
    draws = list(EpisodeDraws(many, 2.5, seed=3))
    assert len(draws) == 18  # 2.5 passes over 7, rounded to even
    assert [EpisodeDraws(many, 2.5, seed=3)[number] for number in (17, 4)] == [draws[17], draws[4]]
    passes = [[draw.episode.question for draw in draws[start : start + 7]] for start in (0, 7)]
    assert sorted(passes[0]) == sorted(passes[1]) == list("0123456")
    assert passes[0] != passes[1]
    assert len({draw.seed for draw in draws}) == 18
    assert list(EpisodeDraws(many, 2.5, seed=4)) != draws


def adapters(model):
    return {name: part for name, part in model.decoder.state_dict().items() if "lora_" in name}


def test_killed_training_resumes_to_the_same_weights(make_epman, tmp_path, monkeypatch):
    class Kill(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 5:
                raise KeyboardInterrupt

    def train(folder, **more):
        settings = {"batch_size": 1, "accumulate": 2, "epochs": 4.0, "learning_rate": 1e-2, "save_steps": 3}
        return train_epman(make_epman(), EPISODES * 2, folder, seed=1, disable_tqdm=True, **settings, **more)

    whole = train(tmp_path / "whole")
    original = train_module.ObjectiveTrainer.__init__

    def with_kill(self, objective, **arguments):
        original(self, objective, callbacks=[Kill()], **arguments)

    monkeypatch.setattr(train_module.ObjectiveTrainer, "__init__", with_kill)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "killed")
    monkeypatch.setattr(train_module.ObjectiveTrainer, "__init__", original)
    assert (tmp_path / "killed" / "checkpoints" / "checkpoint-3").is_dir()
    resumed = train(tmp_path / "killed", resume=True)
    assert adapters(whole).keys() == adapters(resumed).keys()
    for name, part in adapters(whole).items():
        assert torch.equal(part, adapters(resumed)[name]), name
    other = train_epman(make_epman(), EPISODES * 2, tmp_path / "other", seed=2, epochs=0.5, disable_tqdm=True)
    assert any(not torch.equal(part, adapters(other)[name]) for name, part in adapters(whole).items())


WORKER = """
import json, sys, torch
sys.path.insert(0, sys.argv[1] + "/epman")
from conftest import build_epman
from test_training import EPISODES, Letters, adapters
from memory_llm.epman.train import train_epman

torch.set_num_threads(1)
model, out = build_epman(), sys.argv[2] + "/" + sys.argv[3]
model.retriever = Letters()
trained = train_epman(
    model, EPISODES * 8, out, batch_size=int(sys.argv[3]), accumulate=1, epochs=2.0, learning_rate=0.5,
    train_retriever=True, optim="sgd", disable_tqdm=True, logging_steps=1, use_cpu=True,
)
if int(__import__("os").environ.get("RANK", "0")) == 0:
    lines = [json.loads(line) for line in open(out + "/checkpoints/log.jsonl")]
    weights = {name: float(part.double().norm()) for name, part in adapters(trained).items()}
    json.dump({"losses": [line["loss"] for line in lines], "weights": weights}, open(sys.argv[4], "w"))
if torch.distributed.is_initialized():
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, launched):
    """With SGD: Adam would blow up the rounding of gradients that are zero."""
    one, two = (launched(WORKER, tmp_path, processes) for processes in (1, 2))
    assert len(one["losses"]) == 4
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-5, abs=1e-6)


def test_a_head_begins_as_the_cosine():
    vectors = torch.nn.functional.normalize(torch.randn(3, 4, 8), dim=-1)
    logits = RetrieverHead(8, temperature=0.5)(vectors[:, 0], vectors)
    assert torch.allclose(logits, torch.einsum("bw,bcw->bc", vectors[:, 0], vectors) / 0.5)


def test_what_cannot_be_trained_is_refused(make_epman, tmp_path):
    with pytest.raises(ValueError, match="`episodes` is empty"):
        train_epman(make_epman(), [], tmp_path)
    with pytest.raises(ValueError, match="needs a retriever with vectors"):
        train_epman(make_epman(), EPISODES, tmp_path, train_retriever=True)
    with pytest.raises(FileNotFoundError, match="no EpMAN model"):
        load_epman(tmp_path / "none", tiny_model("llama"), None, make_epman().retriever)


def test_adapters_begin_as_nothing(make_epman, question):
    model = make_epman()
    expected = model.decoder(question).logits
    add_lora(model.decoder)
    assert torch.equal(model.decoder(question).logits, expected)


def test_made_episodes_hold_their_answer_in_the_gold_chunk_and_not_elsewhere(make_epman, document):
    model = make_epman(chunk_size=120)
    sentences = ". ".join(part.strip().capitalize() for part in document.split(".")) + " "
    texts = [sentences * 9, "The dog sleeps in the warm sun all day and then it jumps over a lazy fox once more. " * 20]
    maker = EpisodeMaker(texts, lambda text: model.reader.cut(text)[0], model.retriever, num_chunks=4)
    episodes = list(maker.make(40, seed=1))
    assert episodes == list(maker.make(60, seed=1))[:40]
    invented = [episode for episode in episodes if not episode.question.startswith("How does")]
    assert 8 < len(invented) < 32
    for episode in episodes:
        assert len(episode.chunks) == 4
        assert episode.answer in " ".join(episode.chunks[episode.gold[0]].split())
    for episode in invented:
        holders = [number for number, chunk in enumerate(episode.chunks) if episode.answer in chunk]
        assert holders == list(episode.gold)
    assert len({episode.gold for episode in episodes}) == 4
    with pytest.raises(ValueError, match="but an episode needs 999"):
        EpisodeMaker(texts, lambda text: model.reader.cut(text)[0], model.retriever, num_chunks=999)


def test_answered_is_what_greedy_decoding_says(make_epman, document, tmp_path):
    model = make_epman(attn_scope="narrow")
    trained = train_epman(model, EPISODES * 8, tmp_path, batch_size=2, accumulate=1, epochs=5.0, learning_rate=2e-2)
    wrong = Episode(question="what are roses?", answer="the fox", chunks=CHUNKS, gold=(0,))
    config = training_config(trained.config, gates="uniform")
    found = answered(trained, [*EPISODES, wrong], config, batch_size=2)
    assert found == [True, True, False]
