"""Encoders by name."""

from collections.abc import Callable

from protein_fitness.encoders.encoder import Encoder
from protein_fitness.encoders.letters import LetterEncoder
from protein_fitness.encoders.profile import ProfileEncoder

WITHOUT_WEIGHTS: dict[str, Callable[[], Encoder]] = {
    LetterEncoder.id: LetterEncoder,
    ProfileEncoder.id: ProfileEncoder,
}


def make_encoder(id: str, *, device: str = "auto", dtype: str = "auto") -> Encoder:
    """An encoder by its id.

    Args:
        id: One of ``WITHOUT_WEIGHTS``, or the hub id or folder of a masked protein language model.
        device: Of a language model.
        dtype: Of its weights.

    Raises:
        ValueError: If it is none of these.
    """
    if id in WITHOUT_WEIGHTS:
        return WITHOUT_WEIGHTS[id]()
    from protein_fitness.encoders.masked_lm import MaskedLanguageModel

    return MaskedLanguageModel.from_pretrained(id, device=device, dtype=dtype)
