"""What stands behind an agent that is a language model."""

from typing import TYPE_CHECKING

from agent_tom.backends.backend import Backend, Written
from agent_tom.backends.chat import ChatFrame
from agent_tom.backends.scripted import ScriptedBackend
from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from agent_tom.backends.server_backend import ServerBackend
    from agent_tom.backends.transformers_backend import TransformersBackend

__all__ = ["Backend", "ChatFrame", "ScriptedBackend", "ServerBackend", "TransformersBackend", "Written"]

__getattr__ = lazy_names(__name__, {"ServerBackend": "server_backend", "TransformersBackend": "transformers_backend"})
