"""What ranks mutants: burial, substitution tables, homologues, and ensembles of them."""
