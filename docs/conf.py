"""Sphinx settings. API pages follow each package's ``__all__``, so a new public name documents itself."""

project = "adaptive-lm"
author = "The adaptive-lm contributors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "adaptive-lm"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_custom_sections = [("Source", "notes_style")]
default_role = "code"  # `argument` in a docstring is code, not a link
