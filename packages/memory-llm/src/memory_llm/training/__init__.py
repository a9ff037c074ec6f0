"""Training by transformers' Trainer over an objective: a module whose forward returns a loss and its named parts."""
