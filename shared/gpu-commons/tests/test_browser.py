"""A page is given back as its scripts left it, its width is measured, and a missing browser is named."""

import pytest

from gpu_commons.browser import chromium, page_after_scripts, sideways_overflow

needs_browser = pytest.mark.skipif(
    chromium() is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)


@needs_browser
def test_scripts_have_run_and_know_the_address(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p></p><script>document.querySelector('p').textContent = 1 + 1 + location.hash</script>")
    assert "<p>2#here</p>" in page_after_scripts(page, tmp_path / "profile", address="#here")


@needs_browser
def test_a_page_is_measured_against_a_narrow_and_a_wide_window(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><body style="margin: 0"><p style="width: 600px">"Text" &amp; more</p>')
    assert sideways_overflow(page, tmp_path / "profile", width=390) == 210
    assert sideways_overflow(page, tmp_path / "profile", width=1280) == 0


@needs_browser
def test_what_scrolls_in_its_own_box_is_not_too_wide(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<!doctype html><div style="overflow-x: auto"><p style="width: 600px">Text</p></div>')
    assert sideways_overflow(page, tmp_path / "profile", width=390) == 0


def test_a_missing_browser_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() is None
    with pytest.raises(FileNotFoundError, match="none of chromium, .* is on the PATH"):
        page_after_scripts(tmp_path / "page.html", tmp_path)
