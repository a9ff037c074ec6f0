"""Sphinx settings. API pages follow each package's ``__all__``, so a new public name documents itself."""

import importlib
import sys
from pathlib import Path

from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / ".ci"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from members import members
from pictures import for_sphinx

project = "adaptive-lm"
author = "The adaptive-lm contributors"
project_copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "adaptive-lm"

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_custom_sections = [("Source", "notes_style")]
default_role = "code"  # `argument` in a docstring is code, not a link

PUBLIC = {each.import_name: importlib.import_module(each.import_name) for each in members()}
for module in PUBLIC.values():
    # A name that is imported on first use is unknown to autodoc until somebody has used it.
    for name in module.__all__:
        setattr(module, name, getattr(module, name))


def warn_of_undocumented_names(app, env):
    """Every public name has its place on an API page; a warning fails the build."""
    documented = env.get_domain("py").objects
    for package, module in PUBLIC.items():
        for missing in sorted({f"{package}.{name}" for name in module.__all__} - documented.keys()):
            logging.getLogger(__name__).warning("%s is public but on no page; does it have a docstring?", missing)


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", for_sphinx)
    app.connect("env-check-consistency", warn_of_undocumented_names)
