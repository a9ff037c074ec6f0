"""Each layout gives the same kind of fact, and each bad file one sentence with its place."""

import json

import pytest

from memory_llm.facts import Fact, read_facts

ROME = {
    "case_id": 5,
    "requested_rewrite": {
        "prompt": "{} plays the",
        "subject": "Ada",
        "target_new": {"str": "violin", "id": "Q1"},
        "target_true": {"str": "flute", "id": "Q2"},
        "relation_id": "P1303",
    },
    "paraphrase_prompts": ["He left. Ada performs on the"],
    "neighborhood_prompts": ["Eva plays the", "Ida plays the"],
    "attribute_prompts": ["Max plays the"],
}
COUNTERFACT = Fact(
    id="5",
    prompt="Ada plays the",
    target="violin",
    subject="Ada",
    old_target="flute",
    paraphrases=("He left. Ada performs on the",),
    neighbours=("Eva plays the", "Ida plays the"),
    neighbour_target="flute",
)
ZSRE = {
    "subject": "Ada",
    "src": "What does Ada play?",
    "rephrase": "Which instrument does Ada play?",
    "alt": "violin",
    "answers": ["flute"],
    "loc": "nq question: who wrote emma",
    "loc_ans": "Jane Austen",
}


@pytest.fixture
def written(tmp_path):
    def written(content, name="facts.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return written


def test_counterfact_of_rome_fills_the_subject_in(written):
    assert read_facts(written([ROME])) == [COUNTERFACT]


def test_counterfact_of_easyedit_gives_the_same_fact_with_its_one_neighbour(written):
    record = {
        "case_id": 5,
        "prompt": "Ada plays the ",
        "target_new": "violin",
        "subject": "Ada",
        "ground_truth": "flute",
        "rephrase_prompt": "He left. Ada performs on the",
        "locality_prompt": "Eva plays the",
        "locality_ground_truth": "flute",
    }
    (fact,) = read_facts(written([record]))
    assert fact == Fact(**{**vars(COUNTERFACT), "neighbours": ("Eva plays the",)})


def test_zsre_edits_to_alt_and_asks_the_neighbour_as_a_question(written):
    assert read_facts(written([ZSRE])) == [
        Fact(
            id="1",
            prompt="What does Ada play?",
            target="violin",
            subject="Ada",
            old_target="flute",
            paraphrases=("Which instrument does Ada play?",),
            neighbours=("who wrote emma?",),
            neighbour_target="Jane Austen",
        )
    ]


def test_zsre_without_alt_edits_to_the_first_answer_and_then_knows_no_old_one(written):
    record = {**ZSRE, "answers": ["flute", "recorder"]}
    del record["alt"]
    (fact,) = read_facts(written([record]))
    assert (fact.target, fact.old_target) == ("flute", None)


def test_zsre_of_easyedit_collects_neighbours_from_every_part_of_locality(written):
    record = {
        "src": "What does Ada play?",
        "alt": "violin",
        "rephrase": "Which instrument does Ada play?",
        "ground_truth": [["flute"]],
        "locality": {
            "Relation_Specificity": [{"prompt": "Who wrote Emma?", "ground_truth": [["Jane Austen"]]}],
            "Forgetfulness": {"prompt": ["Who wrote Persuasion?"], "ground_truth": ["Jane Austen"]},
        },
    }
    (fact,) = read_facts(written([record]))
    assert (fact.target, fact.old_target) == ("violin", "flute")
    assert fact.neighbours == ("Who wrote Emma?", "Who wrote Persuasion?")
    assert fact.neighbour_target == "Jane Austen"


def test_neighbours_with_different_answers_have_no_common_one(written):
    parts = [{"prompt": "Who wrote Emma?", "ground_truth": "Austen"}, {"prompt": "Capital?", "ground_truth": "Paris"}]
    (fact,) = read_facts(written([{"prompt": "Ada plays the", "target_new": "violin", "locality": {"all": parts}}]))
    assert len(fact.neighbours) == 2
    assert fact.neighbour_target is None


def test_rows_hold_prompt_and_target_or_a_text(written):
    lines = [
        {"prompt": "Ada plays the", "target": "violin", "id": "a", "subject": "Ada", "paraphrases": ["Ada loves the"]},
        {"text": "Eva plays the flute."},
        {"text": "Eva lives in New York.", "prompt_chars": 12},
    ]
    path = written("\n".join(map(json.dumps, lines)), "facts.jsonl")
    assert read_facts(path) == [
        Fact(id="a", prompt="Ada plays the", target="violin", subject="Ada", paraphrases=("Ada loves the",)),
        Fact(id="2", prompt="Eva plays the", target="flute"),
        Fact(id="3", prompt="Eva lives in", target="New York"),
    ]


def test_a_csv_file_is_read_as_rows(written):
    path = written('prompt,target\n"Ada, of Ives, plays the",violin\n', "facts.csv")
    assert read_facts(path) == [Fact(id="2", prompt="Ada, of Ives, plays the", target="violin")]


def test_a_line_ends_in_its_target(written):
    path = written("\ufeffAda plays the violin.\nEva lives in Oslo\n", "facts.txt")
    expected = [
        Fact(id="1", prompt="Ada plays the", target="violin"),
        Fact(id="2", prompt="Eva lives in", target="Oslo"),
    ]
    assert read_facts(path) == expected
    assert read_facts(path.rename(path.with_suffix(".facts")), layout="lines") == expected


def rome(**rewrite):
    return {**ROME, "requested_rewrite": {**ROME["requested_rewrite"], **rewrite}}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.json", "", "f.json: holds no facts; write at least one"),
        ("f.json", "[]", "f.json: holds no facts"),
        ("f.txt", "", "f.txt: holds no facts"),
        ("f.jsonl", "", "f.jsonl: holds no facts"),
        ("f.json", '[\n{"prompt": }]', r"f.json, line 2: not JSON \(.*\); the file holds one JSON list"),
        ("f.json", {"prompt": "a"}, "f.json: holds a JSON dict; it must be a list of objects"),
        ("f.json", [ROME, 3], "f.json, record 2: is a JSON int; every record must be an object"),
        ("f.json", [{"fact": "a"}], "f.json, record 1: the fields show no layout of facts; rows need 'prompt'"),
        ("f.json", [rome(prompt="Ada plays the")], r'f.json, record 1: the prompt holds 0 times "\{\}"; it must once'),
        ("f.json", [ROME, rome(prompt="{} and {}")], r'f.json, record 2: the prompt holds 2 times "\{\}"'),
        (
            "f.json",
            [rome(target_new=None)],
            "f.json, record 1: the target in 'requested_rewrite.target_new.str' is missing",
        ),
        ("f.json", [rome(subject=" ")], "f.json, record 1: the text in column 'requested_rewrite.subject' is empty"),
        ("f.json", [{**ZSRE, "alt": "", "answers": []}], "f.json, record 1: the target in 'alt' is missing; fill it"),
        ("f.json", [{**ZSRE, "rephrase": 3}], "f.json, record 1: 'rephrase' is of type int; it must be a string"),
        ("f.json", [{"prompt": "a", "target_new": ""}], "f.json, record 1: the target in 'target_new' is missing"),
        ("f.json", [ROME, ROME], "f.json, record 2: the id '5' is taken by .*f.json, record 1; give each fact its own"),
        ("f.jsonl", '\n{"prompt": "a"}', "f.jsonl, line 2: the target in 'target' is missing"),
        ("f.jsonl", '{"prompt": "a", "target": "b"}\n{', "f.jsonl, line 2: not JSON"),
        (
            "f.jsonl",
            '{"text": "a b", "prompt_chars": 3}',
            "f.jsonl, line 1: 'prompt_chars' is 3; it must leave a prompt",
        ),
        ("f.jsonl", '{"text": "a b", "prompt_chars": "1"}', "f.jsonl, line 1: 'prompt_chars' is '1'"),
        ("f.txt", "a b\n\nc d\n", "f.txt, line 2: is empty; every line holds a fact"),
        ("f.txt", "a b\nc.\n", "f.txt, line 2: is a single word; a fact is a prompt and, as its last word, the target"),
        ("f.md", "a b\n", "f.md: files of records end in .json, .*, not in '.md'; rename it, or pass layout='lines'"),
    ],
)
def test_a_bad_file_is_named_with_the_record_or_line(written, name, content, message):
    with pytest.raises(ValueError, match=message):
        read_facts(written(content, name))


@pytest.mark.parametrize("name", ["none.json", "none.jsonl", "none.txt"])
def test_a_missing_file_is_named_with_its_full_path(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=str(tmp_path / name)):
        read_facts(tmp_path / name)


def test_a_misspelt_layout_is_answered_with_the_nearest(written):
    with pytest.raises(
        ValueError, match="`layout` must be one of auto, .*, got 'counterfacts'; did you mean 'counterfact'"
    ):
        read_facts(written([ROME]), layout="counterfacts")
