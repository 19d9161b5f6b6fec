"""Pages opened in Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=5000 --dump-dom"
)


def browser_dom(text: str, folder: Path, *, address: str = "", width: int = 1280) -> str:
    """The page as a browser has it after its scripts ran; ``address`` ends that of the file, such as ``#part``."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed (Debian package chromium)")
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    options = [*_OPTIONS.split(), f"--window-size={width},900", f"--user-data-dir={folder / 'profile'}"]
    command = [browser, *options, path.as_uri() + address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def framed_at(width: int, text: str, folder: Path) -> str:
    """A page that holds the page in a frame of this width, and has as its title what that one posts to it.

    A window of a headless Chromium is never narrower than 500 pixels, whatever is asked for; a frame is.
    """
    path = folder / "framed.html"
    path.write_text(text, encoding="utf-8")
    return (
        "<!DOCTYPE html><html><head><title></title></head><body>"
        "<script>addEventListener('message', (event) => { document.title = event.data; });</script>"
        f'<iframe src="{path.as_uri()}" style="width:{width}px;height:844px;border:0"></iframe></body></html>'
    )
