"""Under which name models take and return their cache.

From transformers 5.24 on it is ``cache`` everywhere; before, ``past_key_values`` and, of recurrent models,
``cache_params``.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from transformers import Cache

CACHE_NAMES = ("cache", "past_key_values", "cache_params")


def cache_argument(function: Callable[..., Any], cache: Cache | None) -> dict[str, Cache | None]:
    """The cache as a keyword argument of a function, such as ``model.forward``, under the name that it has there."""
    parameters = inspect.signature(function).parameters
    return {next((name for name in CACHE_NAMES if name in parameters), "past_key_values"): cache}


def cache_of(arguments: Mapping[str, Any]) -> Cache | None:
    """The cache among keyword arguments, or in a model's output, whatever its name there."""
    return next((arguments[name] for name in CACHE_NAMES if arguments.get(name) is not None), None)
