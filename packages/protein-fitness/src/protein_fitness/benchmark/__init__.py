"""Scorers over ProteinGym's assays: read, scored in parallel, and averaged as its leaderboard does."""
