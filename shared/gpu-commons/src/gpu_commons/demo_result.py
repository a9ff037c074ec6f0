"""What the demo of any package leaves: its main table as a file beside its page, and the same for the terminal."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu_commons.table_text import aligned
from gpu_commons.write_aside import write_text_aside

RESULT_FILE = "result.json"


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """The main table of a demo.

    Attributes:
        title: What the table shows, in a few words.
        header: Names of the columns.
        rows: Texts, as many in each as columns.
        notes: Sentences that belong to the table.
        seconds: What the demo took.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    seconds: float

    def leave_beside(self, page: Path, *further: str) -> str:
        """Write ``result.json`` into the page's folder, and return what is told in the terminal.

        Args:
            page: The demo's page, which is there.
            further: Lines for the terminal alone.
        """
        write_text_aside(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", page.with_name(RESULT_FILE))
        lines = [aligned(self.header, self.rows), *self.notes, *further, f"{self.seconds:.0f} s; open {page}"]
        return "\n".join(lines)


def read_demo_result(folder: str | os.PathLike[str]) -> DemoResult | None:
    """What a demo left in a folder; None if none has run there.

    Raises:
        ValueError: If the file is not what a demo leaves.
    """
    path = Path(folder, RESULT_FILE)
    if not path.is_file():
        return None
    try:
        return DemoResult(**json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: is not what a demo leaves ({error}); run that demo again.") from None
