"""Short stories of facts with questions that need one or more of them, and the same stories diluted in long texts.

Lines are numbered from 0 within a story's ``lines``; seeds are whole numbers and decide everything random.
"""

from memory_llm.haystack.stories.answer_shift import (
    SHIFTED_LOCATIONS,
    UNSEEN_LOCATIONS,
    replace_words,
    shift_locations,
)
from memory_llm.haystack.stories.asking import StoryReader, by_length, evaluate
from memory_llm.haystack.stories.babi_tasks import where_is_actor, where_is_object
from memory_llm.haystack.stories.babi_text import read_babi, write_babi
from memory_llm.haystack.stories.babi_world import LOCATIONS
from memory_llm.haystack.stories.babilong import read_babilong, write_babilong
from memory_llm.haystack.stories.dilute import dilute, dilute_all
from memory_llm.haystack.stories.dilute_to_tokens import CountedFiller, dilute_all_to_tokens, dilute_to_tokens
from memory_llm.haystack.stories.filler import Filler, split_filler
from memory_llm.haystack.stories.single_label import names_only
from memory_llm.haystack.stories.story import Story
from memory_llm.haystack.stories.story_files import read_stories, write_stories
from memory_llm.haystack.stories.variable_tracking import variable_tracking

__all__ = [
    "LOCATIONS",
    "SHIFTED_LOCATIONS",
    "UNSEEN_LOCATIONS",
    "CountedFiller",
    "Filler",
    "Story",
    "StoryReader",
    "by_length",
    "dilute",
    "dilute_all",
    "dilute_all_to_tokens",
    "dilute_to_tokens",
    "evaluate",
    "names_only",
    "read_babi",
    "read_babilong",
    "read_stories",
    "replace_words",
    "shift_locations",
    "split_filler",
    "variable_tracking",
    "where_is_actor",
    "where_is_object",
    "write_babi",
    "write_babilong",
    "write_stories",
]
