import safe_finetune.theory as theory


def test_every_public_name_is_there():
    """Names come when first used; one that has moved would be noticed only then."""
    assert sorted(theory.__all__) == theory.__all__
    assert all(callable(getattr(theory, name)) for name in theory.__all__)
