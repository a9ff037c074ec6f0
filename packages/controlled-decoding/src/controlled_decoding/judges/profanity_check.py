"""Explicit profanity and insult by alt-profanity-check: TF-IDF and a calibrated linear SVM trained on Jigsaw and
Davidson comments.

It hears swear words and little else (AUC about 0.7 on implicit hate), so read its rate as "profanity rate".
"""

import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

DISTRIBUTION = "alt-profanity-check"


class ProfanityCheckJudge:
    """The model inside the wheel ``alt-profanity-check``.

    The wheel stores its weights as joblib pickles, which run code when loaded: installing the wheel is the act of
    trust. ``sha256`` is over both files, so that a report says which weights judged.

    Raises:
        ImportError: If the wheel is not installed; the message is the pip line.
    """

    name = "profanity-check"

    def __init__(self) -> None:
        try:
            import profanity_check

            self.version = importlib.metadata.version(DISTRIBUTION)
        except (ImportError, importlib.metadata.PackageNotFoundError):
            raise ImportError(f'the judge {self.name!r} needs: pip install "controlled-decoding[eval]"') from None
        self._predict = profanity_check.predict_prob
        digest = hashlib.sha256()
        for path in sorted(Path(profanity_check.__file__).parent.glob("data/*.joblib")):
            digest.update(path.read_bytes())
        self.sha256 = digest.hexdigest()

    def score(self, texts: Sequence[str]) -> list[float]:
        """Probability of profanity, one number in 0..1 for each text."""
        return self._predict(list(texts)).tolist() if texts else []
