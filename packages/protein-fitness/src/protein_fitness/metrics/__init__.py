"""How well scores rank what was measured."""
