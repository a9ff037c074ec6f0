import hashlib
from pathlib import Path

import pytest

from controlled_decoding.judges import load_judge

pytest.importorskip("profanity_check", reason="the extra `eval` is not installed")


def test_scores_are_ordered_probabilities_and_the_hash_is_of_the_weight_files():
    import profanity_check

    judge = load_judge("profanity-check")
    mild, rude = judge.score(["have a nice day", "you are a stupid person"])
    assert 0.0 <= mild < 0.5 < rude <= 1.0
    assert judge.score([]) == []
    folder = Path(profanity_check.__path__[0], "data")
    joined = b"".join((folder / f"{name}.joblib").read_bytes() for name in ("model", "vectorizer"))
    assert judge.sha256 == hashlib.sha256(joined).hexdigest()
    assert judge.version
