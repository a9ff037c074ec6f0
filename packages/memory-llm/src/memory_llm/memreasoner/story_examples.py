"""What a training run is shown: stories with filler among their lines, some labelled, and lines to autoencode."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch.utils.data import Dataset

from memory_llm.haystack.stories import Story


@dataclass(frozen=True, kw_only=True)
class StoryExample:
    """A story to learn from.

    Attributes:
        story: With filler.
        labelled: Whether its support is to be learnt.
        autoencoded: Lines to decode from their own latents, each with the number of words that the decoder leaves out.
    """

    story: Story
    labelled: bool
    autoencoded: tuple[tuple[str, int], ...]


def labelled_rows(count: int, fraction: float, seed: int = 0) -> frozenset[int]:
    """Which rows of a dataset have labels: one subset for the whole run, not one for each batch.

    Args:
        count: Rows of the dataset.
        fraction: Of rows; a fraction above 0 gives at least one. Of two fractions under one seed, the subset of the
            smaller lies in that of the larger.
        seed: Of the choice.

    Raises:
        ValueError: If the fraction is outside [0, 1].
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"`fraction` of labelled rows must be in [0, 1], got {fraction}; 0.01 is one in a hundred.")
    wanted = max(round(fraction * count), 1) if fraction and count else 0
    order = random.Random(f"labels {seed}").sample(range(count), count)
    return frozenset(order[:wanted])


class StoryExamples(Dataset):
    """The examples of all steps, one after another; each depends on its index and the seed alone.

    So a run that is resumed, or is split over ranks, sees what an undisturbed one sees.

    Args:
        stories: To learn from.
        size: Examples of the whole run; stories come in a new order at each pass.
        examples_per_step: On all ranks together.
        labelled: Numbers (0-based) of labelled stories.
        filler: Sentences that answer nothing, put at random places between lines. Evaluation must use others.
        filler_lines: Fewest and most of them in a story.
        filler_ramp: Steps over which the most grows from the fewest.
        auxiliary: Groups of lines to autoencode beside the stories' own; each group is drawn from equally often, and
            the own lines as often as one group.
        autoencoded: Lines to autoencode for each story. Half of them are decoded from a word within the line on, which
            is given: so the decoder learns to go on from any beginning, as it does from an answer prompt.
        seed: Of all draws.

    Raises:
        ValueError: If there are no stories, or filler is asked for and there is none.
    """

    def __init__(
        self,
        stories: Sequence[Story],
        *,
        size: int,
        examples_per_step: int,
        labelled: frozenset[int] = frozenset(),
        filler: Sequence[str] = (),
        filler_lines: tuple[int, int] = (0, 0),
        filler_ramp: int = 0,
        auxiliary: Sequence[Sequence[str]] = (),
        autoencoded: int = 1,
        seed: int = 0,
    ):
        fewest, most = filler_lines
        if not stories:
            raise ValueError("`stories` is empty; training needs at least one.")
        if not 0 <= fewest <= most:
            raise ValueError(f"`filler_lines` must be (fewest, most) with 0 <= fewest <= most, got {filler_lines}.")
        if most and not filler:
            raise ValueError(f"`filler_lines` asks for up to {most} lines of filler, but `filler` is empty; give some.")
        self.stories, self.size, self.examples_per_step = list(stories), size, examples_per_step
        self.labelled, self.filler, self.filler_lines, self.filler_ramp = labelled, filler, filler_lines, filler_ramp
        self.groups, self.autoencoded, self.seed = [group for group in auxiliary if group], autoencoded, seed
        self._orders: dict[int, torch.Tensor] = {}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> StoryExample:
        number = self._story_number(index)
        draw = random.Random(f"{self.seed}/{index}")
        story = self.stories[number]
        count = draw.randint(self.filler_lines[0], self._most_filler(index // self.examples_per_step))
        with_filler = insert_filler(story, [draw.choice(self.filler) for _ in range(count)], draw)
        groups = [story.lines, *self.groups]
        lines = [draw.choice(draw.choice(groups)) for _ in range(self.autoencoded)]
        autoencoded = tuple((line, self._left_out(line, draw)) for line in lines)
        return StoryExample(story=with_filler, labelled=number in self.labelled, autoencoded=autoencoded)

    def _left_out(self, line: str, draw: random.Random) -> int:
        words = len(line.split())
        return draw.randrange(1, words - 1) if words > 2 and draw.random() < 0.5 else 0

    def _most_filler(self, step: int) -> int:
        fewest, most = self.filler_lines
        return most if step >= self.filler_ramp else fewest + round((most - fewest) * step / self.filler_ramp)

    def _story_number(self, index: int) -> int:
        epoch, place = divmod(index, len(self.stories))
        if epoch not in self._orders:
            generator = torch.Generator().manual_seed(hash((self.seed, epoch)) % (1 << 63))
            self._orders = {epoch: torch.randperm(len(self.stories), generator=generator)}
        return int(self._orders[epoch][place])


def insert_filler(story: Story, filler: Sequence[str], draw: random.Random) -> Story:
    """A story with further lines at random places; its own keep their order, and its support follows them."""
    if not filler:
        return story
    total = len(story.lines) + len(filler)
    own = sorted(draw.sample(range(total), len(story.lines)))
    mine, others = iter(story.lines), iter(filler)
    places = set(own)
    lines = tuple(next(mine) if place in places else next(others) for place in range(total))
    return replace(story, lines=lines, support=tuple(own[number] for number in story.support))
