"""A page is given back as its scripts left it, and a missing browser is named."""

import pytest

from gpu_commons.browser import chromium, page_after_scripts


@pytest.mark.skipif(chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
def test_scripts_have_run_and_know_the_address(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p></p><script>document.querySelector('p').textContent = 1 + 1 + location.hash</script>")
    assert "<p>2#here</p>" in page_after_scripts(page, tmp_path / "profile", address="#here")


def test_a_missing_browser_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() is None
    with pytest.raises(FileNotFoundError, match="none of chromium, .* is on the PATH"):
        page_after_scripts(tmp_path / "page.html", tmp_path)
