"""Stories for training: drawn at random, diluted afresh each time, and put together by length."""

import random
from collections.abc import Sequence

from torch.utils.data import Dataset

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines.encoding import Sample, StoryEncoder

BATCHES_TOGETHER = 16
SHORTEST = 0.2


class TrainingStories(Dataset[Sample]):
    """As many samples as a run takes, each decided by the seed and its number, so that a resumed run sees the same.

    A stretch of samples is sorted by length, cut into batches, and the batches are shuffled: rows of a batch are alike
    in length, which saves padding. Read it in order.

    Args:
        stories: To draw from, with replacement.
        encoder: Of their tokens.
        size: Samples of the whole run.
        batch_size: Samples of a batch.
        filler: Lines that say nothing about the questions; 0 to ``most_filler`` of them join each story.
        most_filler: See there.
        auxiliary: Further lines, one of them with each sample.
        curriculum_steps: Steps at the start, in stretches of 16. In the first half of them there are only the shortest
            fifth of the stories and no filler; in the second half length and filler grow to all there is.
        seed: Of everything drawn.

    Raises:
        ValueError: If there are no stories, or one cannot be encoded.
    """

    def __init__(
        self,
        stories: Sequence[Story],
        encoder: StoryEncoder,
        *,
        size: int,
        batch_size: int,
        filler: Sequence[str] = (),
        most_filler: int = 8,
        auxiliary: Sequence[str] = (),
        curriculum_steps: int = 0,
        seed: int = 0,
    ):
        if not stories:
            raise ValueError("`stories` is empty; give some to learn from.")
        self._answers = [encoder.answer(story) for story in stories]
        self.stories, self.encoder, self.size, self.batch_size = stories, encoder, size, batch_size
        self.filler, self.most_filler, self.auxiliary, self.seed = filler, most_filler, auxiliary, seed
        self._by_length = sorted(range(len(stories)), key=lambda number: len(stories[number].lines))
        self.curriculum_steps = curriculum_steps
        self._stretch_number, self._stretch = -1, list[Sample]()

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, number: int) -> Sample:
        stretch, offset = divmod(number, self.batch_size * BATCHES_TOGETHER)
        if stretch != self._stretch_number:
            self._stretch_number, self._stretch = stretch, self._draw(stretch)
        return self._stretch[offset]

    def _draw(self, stretch: int) -> list[Sample]:
        draws = random.Random(f"{self.seed} {stretch}")
        samples = [self._sample(draws, stretch) for _ in range(self.batch_size * BATCHES_TOGETHER)]
        samples.sort(key=lambda sample: sample.story.num_tokens)
        batches = [samples[start : start + self.batch_size] for start in range(0, len(samples), self.batch_size)]
        draws.shuffle(batches)
        return [sample for batch in batches for sample in batch]

    def _sample(self, draws: random.Random, stretch: int) -> Sample:
        grown = self._grown(stretch * BATCHES_TOGETHER)
        within = SHORTEST + grown * (1 - SHORTEST)
        number = self._by_length[draws.randrange(max(1, round(within * len(self.stories))))]
        story = self.stories[number]
        if self.filler:
            story = diluted(story, self.filler, draws, most=round(grown * self.most_filler))
        auxiliary = self.encoder.line(draws.choice(self.auxiliary)) if self.auxiliary else ()
        return Sample(
            story=self.encoder.story(story),
            answer=self._answers[number],
            auxiliary=auxiliary,
            step=stretch * BATCHES_TOGETHER,
            seed=draws.getrandbits(32),
        )

    def _grown(self, step: int) -> float:
        """How far stories have grown: 0 in the first half of the curriculum, 1 after it."""
        if step >= self.curriculum_steps:
            return 1.0
        return max(0.0, 2 * step / self.curriculum_steps - 1)


def diluted(story: Story, filler: Sequence[str], draws: random.Random, *, most: int = 8) -> Story:
    """A story with 0 to ``most`` lines of filler at random places between its lines, which keep their order.

    Args:
        story: Whose lines of support are followed to their new numbers.
        filler: To draw from, with replacement.
        draws: Where chance comes from.
        most: Lines that may join.
    """
    joining = draws.choices(filler, k=draws.randint(0, most))
    before = sorted(draws.choices(range(len(story.lines) + 1), k=len(joining)))
    lines, moved, joined = [], [], 0
    for number in range(len(story.lines) + 1):
        while joined < len(joining) and before[joined] == number:
            lines.append(joining[joined])
            joined += 1
        if number < len(story.lines):
            moved.append(len(lines))
            lines.append(story.lines[number])
    support = tuple(moved[number] for number in story.support)
    return Story(lines=tuple(lines), question=story.question, answer=story.answer, support=support)
