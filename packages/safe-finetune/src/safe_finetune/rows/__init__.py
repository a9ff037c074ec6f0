"""Rows of conversations: read from files or the hub, known by their ids, tokenised with labels on responses alone.

A row is a conversation whose last message is the assistant's: its *response*, the only part that losses are about.
Messages of errors name file and line and never a text: texts may be harmful, or private.
"""

from safe_finetune.rows.encode import PLAIN_TEMPLATE, RowEncoder
from safe_finetune.rows.encoded_rows import EncodedRows, collate_rows
from safe_finetune.rows.load import load_rows, load_safe_rows
from safe_finetune.rows.row import Message, Row, rows_fingerprint

__all__ = [
    "PLAIN_TEMPLATE",
    "EncodedRows",
    "Message",
    "Row",
    "RowEncoder",
    "collate_rows",
    "load_rows",
    "load_safe_rows",
    "rows_fingerprint",
]
