"""Whether a model can read a game to its end, estimated before it begins."""

from agent_tom.backends.backend import Backend
from agent_tom.prompts.library import Note, Strategy

OVERFLOW = ("fail", "window", "summary")


def room_for_text(
    backend: Backend,
    asking: Strategy,
    *,
    opening: str,
    line: str,
    rounds: int,
    game: str,
    around: str = "",
    summary: Note | None = None,
    shorten: bool = False,
) -> int | None:
    """Tokens that rules and rounds may have, so that what is asked and written still fits; None if there is no bound.

    Args:
        backend: That reads.
        asking: What is asked.
        opening: The rules.
        line: The longest line of a round.
        rounds: That are told.
        game: Its name, for the error.
        around: What a chat template puts after a question.
        summary: What is written of rounds that fall out.
        shorten: Whether rounds may fall out; then the rules and one round have to fit.

    Raises:
        ValueError: If they do not fit.
    """
    if backend.longest is None:
        return None
    spare = _asked_and_written(backend, asking, around, summary)
    told = min(rounds, 1) if shorten else rounds
    needed = backend.count(opening) + told * backend.count(line) + spare
    if needed > backend.longest:
        what = f"the rules and a round of {game}" if shorten else f"the rules and {rounds} rounds of {game}"
        remedy = (
            "take a strategy that writes less"
            if shorten
            else "play fewer rounds, choose a strategy without history, or set `overflow` to 'window' or 'summary'"
        )
        raise ValueError(f"{what} take about {needed} tokens, but the model reads at most {backend.longest}; {remedy}.")
    return backend.longest - spare


def _asked_and_written(backend: Backend, asking: Strategy, around: str, summary: Note | None) -> int:
    """Tokens beside rules and rounds: questions, thoughts, and notes told and being written."""
    notes = [*asking.notes, *([summary] if summary else [])]
    questions = 2 * backend.count(asking.predict + asking.told + asking.think + asking.act + around)
    told = sum(note.keep * (backend.count(note.tell) + note.tokens) for note in notes)
    written = max((backend.count(note.ask) + note.tokens for note in notes), default=0)
    return questions + asking.tokens + told + written
