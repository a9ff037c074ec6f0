"""What the name of a file says about the questions in it: their task and their level of length."""

import re
from dataclasses import dataclass
from pathlib import PurePath

_SPLITS = re.compile(r"(test|validation|train|dev|data|default|\d+)(-\d+-of-\d+)?", re.IGNORECASE)
_LEVEL_AT_END = re.compile(r"[_-](\d{1,3}k)$", re.IGNORECASE)
_EVEN_VARIANT = re.compile(r"_e$")


@dataclass(frozen=True)
class Origin:
    """The name by which a file of questions goes: its own, or that of the folder above if it is named after a split.

    Attributes:
        name: As "factrecall_en_16k" or "niah_multikey_1".
    """

    name: str

    @classmethod
    def of(cls, path: str) -> "Origin":
        """Of a path, whose last parts may be the names of splits or numbers of parts."""
        parts = [PurePath(part).stem for part in PurePath(path).parts]
        named = [part for part in parts if part and not _SPLITS.fullmatch(part)]
        return cls(named[-1] if named else parts[-1])

    @property
    def task(self) -> str:
        """The name without its level and without the mark of LongBench-E."""
        return self.task_in(self.name)

    @property
    def level(self) -> str | None:
        """As "16k", if the name ends in one."""
        return self.level_in(self.name)

    @staticmethod
    def task_in(name: str) -> str:
        """See :attr:`task`."""
        return _EVEN_VARIANT.sub("", _LEVEL_AT_END.sub("", name))

    @staticmethod
    def level_in(name: str) -> str | None:
        """See :attr:`level`."""
        found = _LEVEL_AT_END.search(name)
        return found[1].lower() if found else None
