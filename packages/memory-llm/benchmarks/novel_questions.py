"""Six novels of Jane Austen as one text with invented facts in it, and questions about both."""

import random
from dataclasses import dataclass

import numpy as np
from scored_episodes import needles_of

from memory_llm.epman.make_episodes import GO_ON
from memory_llm.haystack import Needle
from memory_llm.haystack.sentences import sentence_spans

MIN_WORDS, ASKED_WORDS = 8, 3
ASKED = (
    ("What is the house called that Mr. Bingley has taken?", "Netherfield"),
    ("Which clergyman is to inherit Longbourn?", "Collins"),
    ("With whom does Lydia Bennet run away?", "Wickham"),
    ("What is the name of Mr. Darcy's estate?", "Pemberley"),
    ("Where does Lady Catherine de Bourgh live?", "Rosings"),
    ("Who was Emma Woodhouse's governess before she married Mr. Weston?", "Taylor"),
    ("Where does Mr. Knightley live?", "Donwell"),
    ("Which farmer proposes to Harriet Smith?", "Martin"),
    ("To whom is Frank Churchill secretly engaged?", "Fairfax"),
    ("In which village do the Woodhouses live?", "Highbury"),
    ("Which estate did the Dashwood family leave?", "Norland"),
    ("Which colonel is in love with Marianne Dashwood?", "Brandon"),
    ("What is the cottage called in which Mrs. Dashwood and her daughters live?", "Barton"),
    ("To whom is Lucy Steele secretly engaged?", "Edward"),
    ("What is Colonel Brandon's estate called?", "Delaford"),
    ("Which of Fanny Price's cousins becomes a clergyman?", "Edmund"),
    ("Which play do the young people rehearse at Mansfield Park?", "Vows"),
    ("In which town do Fanny Price's parents live?", "Portsmouth"),
    ("What is the family name of Henry and Mary, who are guests at the parsonage of Mansfield?", "Crawford"),
    ("Where does Sir Thomas Bertram travel to see to his property?", "Antigua"),
    ("Which novel do Catherine Morland and Isabella Thorpe read together?", "Udolpho"),
    ("To which town do the Allens take Catherine Morland?", "Bath"),
    ("Who is the father of Henry and Eleanor Tilney?", "General"),
    ("In which village does Catherine Morland's family live?", "Fullerton"),
    ("Which captain had Anne Elliot refused to marry?", "Wentworth"),
    ("What is the seat of Sir Walter Elliot called?", "Kellynch"),
    ("In which seaside town does Louisa Musgrove fall?", "Lyme"),
    ("Whom does Captain Benwick marry in the end?", "Louisa"),
    ("Which admiral becomes the tenant of Kellynch Hall?", "Croft"),
    ("Who is Anne Elliot's cousin and her father's heir?", "Elliot"),
)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked about a corpus.

    Attributes:
        kind: "planted", "sentence" or "asked".
        question: What is asked.
        answer: Every word of it has to be said.
        cue: The beginning of the answering sentence, if it is known, for a decoder that goes on with it.
    """

    kind: str
    question: str
    answer: str
    cue: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A text, and questions about it.

    Attributes:
        text: With invented facts in it.
        questions: About these, about sentences that stand in it, and, of the whole corpus, about the novels.
    """

    text: str
    questions: tuple[Question, ...]


def make_corpus(text: str, *, planted: int, sentences: int, asked: bool, seed: int) -> Corpus:
    """Plant facts between sentences and draw sentences to be gone on with."""
    rng = random.Random(seed)
    facts = invented(planted, seed)
    spans = sentence_spans(text)
    places = sorted(rng.sample(range(len(spans)), planted))
    pieces, last = [], 0
    for place, fact in zip(places, facts, strict=True):
        end = spans[place][1]
        pieces += [text[last:end], f" {fact.sentence}"]
        last = end
    questions = [Question(kind="planted", question=fact.question, answer=fact.answer, cue=fact.cue) for fact in facts]
    long = [words for start, end in spans if MIN_WORDS + ASKED_WORDS <= len(words := text[start:end].split()) <= 40]
    for words in rng.sample(long, sentences):
        before, after = " ".join(words[:-ASKED_WORDS]), " ".join(words[-ASKED_WORDS:])
        questions.append(Question(kind="sentence", question=GO_ON.format(before), answer=after, cue=before))
    if asked:
        questions += [Question(kind="asked", question=question, answer=answer) for question, answer in ASKED]
    return Corpus(text="".join([*pieces, text[last:]]), questions=tuple(questions))


def invented(count: int, seed: int) -> list[Needle]:
    """Facts about different things, of the part that no training has seen."""
    draw, rng = needles_of("test"), np.random.default_rng(seed)
    facts: dict[str, Needle] = {}
    while len(facts) < count:
        fact = draw(rng)
        facts.setdefault(fact.question, fact)
    return list(facts.values())
