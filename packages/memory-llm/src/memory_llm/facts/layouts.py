"""How each public layout of fact files spells a fact: one function from a record to a :class:`Fact` for each."""

from collections.abc import Callable
from typing import Any

from gpu_commons.table_rows import Row
from memory_llm.facts.fact import Fact
from memory_llm.facts.records import first_text, texts_of

_LOC_PREFIX = "nq question: "


def counterfact(record: Row) -> Fact:
    """CounterFact as ROME publishes it: the prompt has one "{}" for the subject.

    Source: Meng et al. 2022 (ROME), ``counterfact.json``. The neighbours' true answer is the old target, by the way
    they were collected.
    """
    prompt = record.text("requested_rewrite.prompt")
    if prompt.count("{}") != 1:
        raise ValueError(
            f'{record.place}: the prompt holds {prompt.count("{}")} times "{{}}"; it must once, where the subject goes.'
        )
    subject = record.text("requested_rewrite.subject").strip()
    old = first_text(record, _optional(record, "requested_rewrite.target_true.str"), "target_true")
    return Fact(
        id=_id(record),
        prompt=prompt.replace("{}", subject).rstrip(),
        target=_target(
            record, _optional(record, "requested_rewrite.target_new.str"), "requested_rewrite.target_new.str"
        ),
        subject=subject,
        old_target=old,
        paraphrases=_texts(record, "paraphrase_prompts"),
        neighbours=_texts(record, "neighborhood_prompts"),
        neighbour_target=old,
    )


def zsre(record: Row) -> Fact:
    """ZsRE as MEND and ROME publish it: ``alt`` is the new answer where it is given, else the first of ``answers``.

    Source: Mitchell et al. 2022 (MEND), with Natural Questions as neighbours. Differs: ROME edits to ``answers``, which
    the model may know; we take the counterfactual ``alt`` first. The neighbour gets the question mark it lacks.
    """
    true = first_text(record, record.values.get("answers"), "answers")
    new = first_text(record, record.values.get("alt"), "alt")
    loc = first_text(record, record.values.get("loc"), "loc")
    return Fact(
        id=_id(record),
        prompt=record.text("src").rstrip(),
        target=_target(record, new or true, "alt"),
        subject=first_text(record, record.values.get("subject"), "subject"),
        old_target=true if new else None,
        paraphrases=_texts(record, "rephrase"),
        neighbours=(_question(loc),) if loc else (),
        neighbour_target=first_text(record, record.values.get("loc_ans"), "loc_ans"),
    )


def easyedit(record: Row) -> Fact:
    """CounterFact and ZsRE as EasyEdit and KnowEdit publish them, with flat fields.

    Source: Wang et al. 2023 (EasyEdit). Neighbours are ``locality_prompt`` with ``locality_ground_truth``, or the
    ``prompt`` and ``ground_truth`` of every part of ``locality``; portability prompts are not read.
    """
    new = first_text(record, record.values.get("target_new", record.values.get("alt")), "target_new")
    neighbours, truths = _locality(record)
    return Fact(
        id=_id(record),
        prompt=record.text("prompt" if "prompt" in record.values else "src").rstrip(),
        target=_target(record, new, "target_new"),
        subject=first_text(record, record.values.get("subject"), "subject"),
        old_target=first_text(record, record.values.get("ground_truth", record.values.get("answers")), "ground_truth"),
        paraphrases=_texts(record, "rephrase_prompt") or _texts(record, "rephrase"),
        neighbours=neighbours,
        neighbour_target=truths[0] if len(set(truths)) == 1 else None,
    )


def rows(record: Row) -> Fact:
    """Our own rows: ``prompt`` and ``target``, or ``text``; all other fields of :class:`Fact` by name if wanted.

    In a ``text``, ``prompt_chars`` says how many characters are the prompt; without it the last word is the target.
    """
    if "text" in record.values and "prompt" not in record.values:
        prompt, target = split_sentence(record.text("text"), record.place, record.values.get("prompt_chars"))
    else:
        prompt = record.text("prompt").rstrip()
        target = _target(record, first_text(record, record.values.get("target"), "target"), "target")
    return Fact(
        id=_id(record),
        prompt=prompt,
        target=target,
        subject=first_text(record, record.values.get("subject"), "subject"),
        old_target=first_text(record, record.values.get("old_target"), "old_target"),
        paraphrases=_texts(record, "paraphrases"),
        neighbours=_texts(record, "neighbours"),
        neighbour_target=first_text(record, record.values.get("neighbour_target"), "neighbour_target"),
    )


LAYOUTS: dict[str, Callable[[Row], Fact]] = {
    "counterfact": counterfact,
    "zsre": zsre,
    "easyedit": easyedit,
    "rows": rows,
}


def layout_of(record: Row) -> str:
    """Name of the layout that the fields of a file's first record show.

    Raises:
        ValueError: If they show none, with what is allowed.
    """
    fields = set(record.values)
    if "requested_rewrite" in fields:
        return "counterfact"
    if "target_new" in fields or ({"src", "locality"} <= fields and "alt" in fields):
        return "easyedit"
    if "src" in fields:
        return "zsre"
    if "prompt" in fields or "text" in fields:
        return "rows"
    raise ValueError(
        f"{record.place}: the fields show no layout of facts; rows need 'prompt' and 'target', or 'text' "
        "(other layouts: counterfact with 'requested_rewrite', zsre with 'src', easyedit with 'target_new')."
    )


def split_sentence(text: str, place: str, prompt_chars: Any = None) -> tuple[str, str]:
    """Prompt and target of a sentence, without its final full stop.

    Args:
        text: The sentence.
        place: Of the sentence, for messages.
        prompt_chars: Length of the prompt in characters; without it the last word is the target.

    Raises:
        ValueError: If either part would be empty.
    """
    sentence = text.strip().removesuffix(".").rstrip()
    if prompt_chars is None:
        words = sentence.rsplit(maxsplit=1)
        if len(words) < 2:
            raise ValueError(f"{place}: is a single word; a fact is a prompt and, as its last word, the target.")
        return words[0], words[1]
    is_count = isinstance(prompt_chars, int) and not isinstance(prompt_chars, bool)
    if not is_count or not text[:prompt_chars].strip() or not text[prompt_chars:].strip(" ."):
        raise ValueError(
            f"{place}: 'prompt_chars' is {prompt_chars!r}; it must leave a prompt and a target in a text of "
            f"{len(text)} characters."
        )
    return text[:prompt_chars].strip(), text[prompt_chars:].strip().removesuffix(".").rstrip()


def _locality(record: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    parts = [
        {"prompt": record.values.get("locality_prompt"), "ground_truth": record.values.get("locality_ground_truth")}
    ]
    locality = record.values.get("locality")
    if isinstance(locality, dict):
        for part in locality.values():
            parts += part if isinstance(part, list) else [part]
    prompts: list[str] = []
    truths: list[str] = []
    for part in parts:
        if not isinstance(part, dict):
            raise ValueError(f"{record.place}: 'locality' must hold objects with 'prompt' and 'ground_truth'.")
        prompts += texts_of(record, part.get("prompt"), "prompt")
        truths += texts_of(record, part.get("ground_truth"), "ground_truth")
    return tuple(prompts), tuple(truths)


def _id(record: Row) -> str:
    value = record.values.get("id", record.values.get("case_id"))
    return str(record.number if value is None or value == "" else value)


def _optional(record: Row, field: str) -> Any:
    value: Any = record.values
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _texts(record: Row, field: str) -> tuple[str, ...]:
    return texts_of(record, record.values.get(field), field)


def _target(record: Row, target: str | None, field: str) -> str:
    if target is None:
        raise ValueError(f"{record.place}: the target in {field!r} is missing; fill it or delete the record.")
    return target


def _question(loc: str) -> str:
    return loc.removeprefix(_LOC_PREFIX).rstrip("? ") + "?"
