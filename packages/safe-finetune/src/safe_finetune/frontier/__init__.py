"""What safety costs in capability: points of any method on the same two axes, compared by the area they dominate.

Every way of trading the two ends here, whatever its strength is called: a penalty's lambda, a ball's radius, the share
of rows kept, a merge's alpha.
"""

from safe_finetune.frontier.frontier import Frontier
from safe_finetune.frontier.measures import Hypervolume, Violation
from safe_finetune.frontier.points import Axis, FrontierPoint

__all__ = ["Axis", "Frontier", "FrontierPoint", "Hypervolume", "Violation"]
