"""``agent-tom demo``."""


def demo(out: str = "demo", quick: bool = False) -> None:
    """Learners and a small real language model against partners that are known, on one page.

    Args:
        out: Folder of the studies and index.html.
        quick: Fewer rounds and episodes, for a look.
    """
    from agent_tom.demo import run_demo

    print(run_demo(out, quick=quick))
