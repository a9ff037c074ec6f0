"""A saved network, whole or not at all."""

import os
from pathlib import Path

from safetensors import SafetensorError

from protein_fitness.model.s3f import S3FModel


def load_network(folder: str | os.PathLike[str]) -> S3FModel:
    """The network that ``save_pretrained`` wrote, on the CPU.

    Raises:
        ValueError: If a file is missing or cut off, or lacks weights, which would be random.
    """
    for name in ("config.json", "model.safetensors"):
        if not (Path(folder) / name).is_file():
            raise ValueError(f"{folder} has no {name}; give a folder that `save_pretrained` wrote.")
    try:
        model, told = S3FModel.from_pretrained(folder, output_loading_info=True)
    except SafetensorError as error:
        raise ValueError(f"{folder}/model.safetensors cannot be read ({error}); fetch or save it again.") from None
    if missing := sorted(told["missing_keys"]):
        raise ValueError(
            f"{folder}/model.safetensors lacks {missing[0]} ({len(missing)} such weights), which would be random; "
            "fetch or save it again."
        )
    return model
