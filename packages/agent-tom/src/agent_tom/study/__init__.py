"""Every agent against every partner in every game, recorded, resumable and compared."""

from agent_tom.study.plan import Cell, Study, label, read_study
from agent_tom.study.records import read_account, read_cell, write_cell
from agent_tom.study.run import finished_cells, run_study
from agent_tom.study.tables import COLUMNS, compare, holm, sign_flip_p, table

__all__ = [
    "COLUMNS",
    "Cell",
    "Study",
    "compare",
    "finished_cells",
    "holm",
    "label",
    "read_account",
    "read_cell",
    "read_study",
    "run_study",
    "sign_flip_p",
    "table",
    "write_cell",
]
