"""The task that is fine-tuned on: short accounts of orders, each asked for what one guest gets."""

import random
from collections.abc import Iterator

GUESTS = ("Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Henry", "Irene", "Jonas", "Karin", "Louis")
DISHES = ("soup", "pasta", "salad", "rice", "pizza", "fish", "cake", "tea", "coffee", "juice", "milk", "bread")
ORDERED = ("{} orders {}.", "{} asks for {}.", "{} would like {}.")


def orders(count: int, seed: int) -> list[tuple[str, str]]:
    """So many different pairs of an account with its question, and the dish that answers it.

    With a word for an answer, training on these is quick to change how a model answers anything else.
    """
    found: dict[str, str] = {}
    for question, answer in _endless(random.Random(f"orders {seed}")):
        found.setdefault(question, answer)
        if len(found) == count:
            break
    return list(found.items())


def _endless(drawn: random.Random) -> Iterator[tuple[str, str]]:
    while True:
        guests = drawn.sample(GUESTS, 3)
        gets = {guest: drawn.choice(DISHES) for guest in guests}
        lines = [drawn.choice(ORDERED).format(guest, gets[guest]) for guest in guests]
        asked = drawn.choice(guests)
        yield f"{' '.join(lines)} What does {asked} get?", gets[asked]
