"""The exact optimum against a known partner."""

from agent_tom.oracle.best_response import BestResponse, Scale, best_response, scale_of, value_of, worst_value

__all__ = ["BestResponse", "Scale", "best_response", "scale_of", "value_of", "worst_value"]
