"""Questions are asked once, of the memories they belong to."""

from memory_llm.facts.targets import Question, answerers, ask


def test_a_question_that_comes_twice_is_asked_once(parrot, ann, bob):
    calls = []

    class Counted(parrot):
        def told(self, facts, *, alone=False):
            calls.append([fact.id for fact in facts])
            return super().told(facts, alone=alone)

    first, second = Question(0, "Ann drinks", "tea"), Question(1, "Ann drinks", "tea")
    scores = ask(answerers(Counted(), [ann, bob], alone=True), [first, second, first])
    assert calls == [["ann", "bob"]]
    assert (scores[first].whole, scores[second].whole) == (True, False)


def test_facts_told_together_are_told_once_for_all_questions(parrot, ann, bob):
    calls = []

    class Counted(parrot):
        def told(self, facts, *, alone=False):
            calls.append(alone)
            return super().told(facts, alone=alone)

    answerer_for = answerers(Counted(), [ann, bob], alone=False)
    assert answerer_for([0]) is answerer_for([1, 1])
    assert calls == [False]
