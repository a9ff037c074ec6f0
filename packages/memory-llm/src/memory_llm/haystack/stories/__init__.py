"""Short stories of facts with questions that need one or more of them, and the same stories diluted in long texts.

Lines are numbered from 0 within a story's ``lines``; seeds are whole numbers and decide everything random.
"""

from memory_llm.haystack.stories.story import Story

__all__ = ["Story"]
