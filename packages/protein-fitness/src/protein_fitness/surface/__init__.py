"""The molecular surface: points, normals, curvature and heat-kernel signatures."""
