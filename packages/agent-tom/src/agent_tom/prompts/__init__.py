"""What language models read, as data."""

from agent_tom.prompts.labelling import Labelling, labelling, num_orders
from agent_tom.prompts.library import (
    PartnerList,
    Strategy,
    Wording,
    partner_list,
    strategies,
    strategy,
    version,
    wording,
    wordings,
)

__all__ = [
    "Labelling",
    "PartnerList",
    "Strategy",
    "Wording",
    "labelling",
    "num_orders",
    "partner_list",
    "strategies",
    "strategy",
    "version",
    "wording",
    "wordings",
]
