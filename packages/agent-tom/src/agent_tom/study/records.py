"""Episodes of a cell as a Parquet file, a row a round."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from agent_tom.agents.agent import Account
from agent_tom.playing.episodes import Episodes
from agent_tom.study.plan import Cell
from gpu_commons.write_aside import written_aside

_HEADER, _ACCOUNT = b"agent_tom", b"agent_tom_account"


def write_cell(cell: Cell, episodes: Episodes, path: Path, account: Account | None = None) -> None:
    """Write rows of episode, round, state, action, partner_action, payoff, action_dist, prediction, partner_dist and
    legal_mass (the last three null where there is none), and a column for each count of the account; the cell and what
    the agent read first are told in the file's metadata. The same episodes make the same bytes.
    """
    rows, rounds = episodes.actions.shape
    columns = {
        "episode": np.repeat(episodes.numbers, rounds),
        "round": np.tile(np.arange(rounds), rows),
        "state": episodes.states.ravel(),
        "action": episodes.actions.ravel(),
        "partner_action": episodes.partner_actions.ravel(),
        "payoff": episodes.payoffs.ravel(),
    }
    dists = {
        "action_dist": episodes.action_dists,
        "prediction": episodes.predictions,
        "partner_dist": episodes.partner_dists,
    }
    lists = {
        name: pa.nulls(rows * rounds, pa.list_(pa.float64())) if dist is None else _list_column(dist)
        for name, dist in dists.items()
    }
    masses = episodes.legal_masses
    lists["legal_mass"] = pa.nulls(rows * rounds, pa.float64()) if masses is None else pa.array(masses.ravel())
    header = {_HEADER: json.dumps(vars(cell), sort_keys=True, default=list).encode()}
    if account is not None:
        columns |= {name: counts.ravel() for name, counts in account.counts.items()}
        header[_ACCOUNT] = json.dumps({"first_text": account.first_text, "counts": list(account.counts)}).encode()
    table = pa.table({**{name: pa.array(column) for name, column in columns.items()}, **lists})
    with written_aside(path) as aside:
        pq.write_table(table.replace_schema_metadata(header), aside)


def read_cell(path: Path) -> tuple[Cell, Episodes]:
    """The cell and its episodes.

    Raises:
        ValueError: If the file is not one of :func:`write_cell`.
    """
    try:
        table = _table(path)
        header = json.loads((table.schema.metadata or {})[_HEADER])
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise ValueError(f"{path} holds no episodes of a study ({error}); run the study again without it.") from error
    cell = Cell(**header)
    shape = (-1, cell.horizon)
    flat = {name: table[name].to_numpy() for name in ("episode", "state", "action", "partner_action", "payoff")}
    return cell, Episodes(
        numbers=flat["episode"].reshape(shape)[:, 0],
        states=flat["state"].reshape(shape),
        actions=flat["action"].reshape(shape),
        partner_actions=flat["partner_action"].reshape(shape),
        payoffs=flat["payoff"].reshape(shape),
        action_dists=_lists(table["action_dist"], shape),
        predictions=None if table["prediction"].null_count else _lists(table["prediction"], shape),
        legal_masses=None if table["legal_mass"].null_count else table["legal_mass"].to_numpy().reshape(shape),
        partner_dists=None if table["partner_dist"].null_count else _lists(table["partner_dist"], shape),
    )


def read_account(path: Path) -> Account | None:
    """What the agent told of a cell's episodes beside its play; None if it told nothing."""
    table = _table(path)
    told = json.loads((table.schema.metadata or {}).get(_ACCOUNT, b"null"))
    if told is None:
        return None
    shape = (-1, len(table["round"].unique()))
    counts = {name: table[name].to_numpy().reshape(shape) for name in told["counts"]}
    return Account(told["first_text"], counts)


def joined_accounts(parts: Sequence[Account | None]) -> Account | None:
    """Of the same agent's episodes together."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    counts = {name: np.concatenate([part.counts[name] for part in there]) for name in there[0].counts}
    return Account(there[0].first_text, counts)


def _table(path: Path) -> pa.Table:
    # `pq.read_table` imports pandas, which takes seconds.
    with pq.ParquetFile(path) as file:
        return file.read()


def _list_column(values: np.ndarray) -> pa.Array:
    width = values.shape[-1]
    offsets = np.arange(0, values.size + 1, width, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, values.ravel())


def _lists(column: pa.ChunkedArray, shape: tuple[int, int]) -> np.ndarray:
    width = len(column[0])
    return column.combine_chunks().flatten().to_numpy().reshape(*shape, width)
