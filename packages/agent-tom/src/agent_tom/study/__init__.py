"""Every agent against every partner in every game, recorded, resumable and compared."""

from agent_tom.study.bias import bias_rows
from agent_tom.study.curves import crossover, cumulative_regret, horizon_rows
from agent_tom.study.folder import cells_of, finished_cells
from agent_tom.study.merge import merge_studies
from agent_tom.study.plan import Cell, Study, label, read_study
from agent_tom.study.played import PlayedCell, played_cells
from agent_tom.study.records import read_account, read_cell, write_cell
from agent_tom.study.run import run_study
from agent_tom.study.tables import COLUMNS, compare, holm, sign_flip_p, table, table_row

__all__ = [
    "COLUMNS",
    "Cell",
    "PlayedCell",
    "Study",
    "bias_rows",
    "cells_of",
    "compare",
    "crossover",
    "cumulative_regret",
    "finished_cells",
    "holm",
    "horizon_rows",
    "label",
    "merge_studies",
    "played_cells",
    "read_account",
    "read_cell",
    "read_study",
    "run_study",
    "sign_flip_p",
    "table",
    "table_row",
    "write_cell",
]
