"""Whether two tokenizers mean the same by the same number."""

from pathlib import Path

from safe_finetune.merging.json_object import read_json_object

_SHOWN = 5


def vocabulary_differences(one: Path, other: Path, policy: str) -> list[str]:
    """What differs, in a sentence each; nothing if either folder has no tokenizer.json.

    Args:
        one: A model's folder.
        other: Another's.
        policy: "strict", or one by which tokens that only one has are no difference.
    """
    files = [folder / "tokenizer.json" for folder in (one, other)]
    if not all(file.is_file() for file in files) or files[0].read_bytes() == files[1].read_bytes():
        return []
    mine, theirs = (_tokens(file) for file in files)
    differing = [number for number in sorted(mine.keys() & theirs.keys()) if mine[number] != theirs[number]]
    findings = []
    if differing:
        shown = ", ".join(f"{number} ({mine[number]!r}, {theirs[number]!r})" for number in differing[:_SHOWN])
        findings.append(
            f"tokenizers of {one.name} and {other.name} differ at {len(differing)} ids, such as {shown}; merge models "
            "of one tokenizer."
        )
    if policy == "strict" and mine.keys() != theirs.keys():
        added = sorted(mine.keys() ^ theirs.keys())
        shown = ", ".join(repr(mine.get(number, theirs.get(number))) for number in added[:_SHOWN])
        findings.append(
            f"tokenizers of {one.name} and {other.name} have {len(mine)} and {len(theirs)} tokens; only one has {shown}; "
            "choose vocab_policy cut or pad."
        )
    return findings


def _tokens(file: Path) -> dict[int, str]:
    """Tokens by id, those added later among them."""
    described = read_json_object(file)
    vocabulary = described.get("model", {}).get("vocab", {})
    pairs = vocabulary.items() if isinstance(vocabulary, dict) else ((row[0], i) for i, row in enumerate(vocabulary))
    tokens = {number: token for token, number in pairs}
    return tokens | {row["id"]: row["content"] for row in described.get("added_tokens", [])}
