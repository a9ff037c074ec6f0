"""Training: chains, splits without relatives, masks, controls, and the trainer."""
