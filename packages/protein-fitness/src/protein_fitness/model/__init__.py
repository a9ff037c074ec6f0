"""S2F and S3F: graphs of residues and surface points, and the networks on them."""
