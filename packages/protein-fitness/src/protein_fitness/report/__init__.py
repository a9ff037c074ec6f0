"""What a scan says of a protein, as pictures and as one page."""
