"""Names come from where they live, and only those."""

import pytest

from gpu_commons.lazy_names import lazy_names


def test_a_name_comes_from_its_module():
    import collections.abc

    assert lazy_names("collections", {"Sized": "abc"})("Sized") is collections.abc.Sized


def test_other_names_are_refused_as_python_does():
    with pytest.raises(AttributeError, match="module 'collections' has no attribute 'Sizes'"):
        lazy_names("collections", {"Sized": "abc"})("Sizes")
