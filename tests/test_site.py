"""The built site in a browser: pages load without errors, search finds, a phone can read it.

The site is built by ``python -m sphinx docs docs/_build``; without it, or without Chromium,
there is nothing to test.
"""

import functools
import re
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[1] / "docs" / "_build"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium"),
    pytest.mark.skipif(not (SITE / "index.html").exists(), reason="needs the built site"),
]
PAGES = [
    "index.html",
    "guide/images.html",
    "gallery/house_prices.html",
    "api/generated/sknet.layers.LSTM.html",
]
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=8000",
]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    handler = functools.partial(_Quiet, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def visit(url, folder, *options):
    """Return the page as the browser sees it in the end, and what it logged."""
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder}", *options, "--dump-dom", url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return run.stdout, run.stderr


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_without_errors(page, address, tmp_path):
    dom, log = visit(f"{address}/{page}", tmp_path)
    assert "<h1>" in dom
    # What comes from other hosts, such as the fonts of formulas, may be out of reach here; and the
    # theme notes its mode.
    lines = [line for line in log.splitlines() if "CONSOLE" in line and address in line]
    errors = [line for line in lines if "[PST]" not in line]
    assert errors == []


def test_search_finds_a_layer(address, tmp_path):
    dom, _ = visit(f"{address}/search.html?q=LSTM", tmp_path)
    assert re.search(r'href="[^"]*sknet\.layers\.LSTM\.html', dom)


@pytest.mark.parametrize("width", [390, 1440])
def test_a_page_is_no_wider_than_the_window(width, address, tmp_path):
    # The width is written into the title by a script: a page of the same host in a frame.
    probe = SITE / "_static" / f"probe_{width}.html"
    probe.write_text(
        f'<iframe id="f" src="/index.html" style="width:{width}px; border:0"></iframe>'
        "<script>f.onload = () => document.title ="
        " f.contentDocument.documentElement.scrollWidth</script>"
    )
    try:
        dom, _ = visit(f"{address}/_static/probe_{width}.html", tmp_path)
    finally:
        probe.unlink()
    assert int(re.search(r"<title>(\d+)</title>", dom)[1]) <= width
