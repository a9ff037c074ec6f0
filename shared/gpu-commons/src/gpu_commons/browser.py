"""A headless Chromium, for tests that look at pages as a browser has them."""

import os
import re
import shutil
import subprocess
from html import escape
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "dump-dom",
    "virtual-time-budget=8000",
)
# A frame, since no window of Chromium is as narrow as a phone.
_FRAME = """<!doctype html><output></output>
<iframe style="width: {width}px; height: 900px; border: 0" srcdoc="{page}"></iframe>
<script>
addEventListener("load", () => {{
  const root = document.querySelector("iframe").contentDocument.documentElement;
  document.querySelector("output").textContent = root.scrollWidth - root.clientWidth;
}});
</script>"""


def chromium() -> str | None:
    """Where it is; None if there is none on the PATH."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def page_after_scripts(
    path: str | os.PathLike[str], profile: str | os.PathLike[str], *, address: str = "", timeout_s: float | int = 120
) -> str:
    """The HTML of a page after its scripts have run.

    Args:
        path: The page.
        profile: Folder for what the browser keeps.
        address: What follows the page's name, such as ``#token=3``.
        timeout_s: After which the browser is given up.

    Raises:
        FileNotFoundError: If there is no browser.
    """
    found = chromium()
    if found is None:
        raise FileNotFoundError(f"none of {', '.join(NAMES)} is on the PATH; install one.")
    flags = [f"--{flag}" for flag in (*_FLAGS, f"user-data-dir={profile}")]
    command = [found, *flags, Path(path).absolute().as_uri() + address]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=timeout_s, check=True)
    return done.stdout


def sideways_overflow(path: str | os.PathLike[str], profile: str | os.PathLike[str], *, width: int) -> int:
    """By how many CSS pixels a page is wider than a window of that width; 0 if nobody has to scroll sideways.

    What scrolls inside a box of its own does not count.

    Args:
        path: The page.
        profile: Folder for what the browser keeps.
        width: Of the window, in CSS pixels; about 390 on a phone.

    Raises:
        FileNotFoundError: If there is no browser.
    """
    framed = Path(profile, f"width-{width}.html")
    framed.parent.mkdir(parents=True, exist_ok=True)
    framed.write_text(_FRAME.format(width=width, page=escape(Path(path).read_text(encoding="utf-8"))), encoding="utf-8")
    (found,) = re.findall(r"<output>(\d+)</output>", page_after_scripts(framed, profile))
    return int(found)
