"""What language models read, as data."""

from agent_tom.prompts.labelling import Labelling, labelling, num_orders
from agent_tom.prompts.library import (
    Note,
    PartnerList,
    Strategy,
    Wording,
    partner_list,
    strategies,
    strategy,
    summary,
    version,
    wording,
    wordings,
)

__all__ = [
    "Labelling",
    "Note",
    "PartnerList",
    "Strategy",
    "Wording",
    "labelling",
    "num_orders",
    "partner_list",
    "strategies",
    "strategy",
    "summary",
    "version",
    "wording",
    "wordings",
]
