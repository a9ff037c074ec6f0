"""``controlled-decoding demo``."""

from controlled_decoding.commands.opening import Dtype


def demo(out: str = "demo", dtype: Dtype = "auto", quick: bool = False) -> None:
    """Fit on real labelled text, steer a real model on real prompts, and leave a page with the comparison.

    Args:
        out: Folder of the page and the numbers.
        dtype: Number format of the model.
        quick: Fewer texts and prompts, to see that it runs.
    """
    from controlled_decoding.demo import run_demo

    print(run_demo(out, dtype=dtype, quick=quick))
