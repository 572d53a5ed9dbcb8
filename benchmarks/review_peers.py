"""Other annotation tools in the same browser: from the key that goes on to the next text painted.

Each is installed in an environment of its own and used as a person uses it:

    python -m venv /tmp/potato && /tmp/potato/bin/pip install potato-annotation==2.12.1
    python benchmarks/review_workbench.py --only peers --potato /tmp/potato
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from delayed_line import delayed_line
from playwright.sync_api import Browser, Page

_START_SECONDS: Final = 300
"""Generous: on a machine with other work 40 s were too few."""
_NUM_TEXTS: Final = 500
_CONFIG: Final = """\
annotation_task_name: Labels
task_dir: .
output_annotation_dir: annotation_output/
output_annotation_format: json
data_files: [items.jsonl]
item_properties: {id_key: id, text_key: text}
user_config: {allow_all_users: true, users: []}
require_password: false
annotation_schemes:
  - annotation_type: radio
    name: label
    description: Choose a label
    labels: ["yes", "no", "maybe"]
    sequential_key_binding: true
site_dir: default
"""
# The tool may load a page for each text, so the press is kept in the browser's storage.
_WATCH: Final = """
const shown = () => /Does drug \\d+ help/.exec(document.body?.innerText ?? "")?.[0];
addEventListener("keydown", (event) => {
  if (event.key !== "ArrowRight") return;
  sessionStorage.pressed = JSON.stringify([performance.timeOrigin + event.timeStamp, shown()]);
}, true);
const look = () => {
  const [at, before] = JSON.parse(sessionStorage.pressed ?? "[]");
  const now = at && shown();
  if (!now || now === before) return;
  delete sessionStorage.pressed;
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel(); // its message comes after the paint
    port1.onmessage = () => {
      const took = performance.timeOrigin + performance.now() - at;
      sessionStorage.times = JSON.stringify([...JSON.parse(sessionStorage.times ?? "[]"), took]);
    };
    port2.postMessage(null);
  });
};
new MutationObserver(look).observe(document, {
  childList: true, subtree: true, characterData: true, attributes: true,
});
"""


@contextmanager
def potato_server(environment: Path) -> Iterator[str]:
    """Serve a task of yes, no and maybe with Potato and yield its address.

    Raises:
        SystemExit: It did not answer.
    """
    with tempfile.TemporaryDirectory(prefix="potato-") as folder, socket.socket() as free:
        home = Path(folder)
        text = "A trial of adults found a small effect. " * 8
        lines = [
            json.dumps({"id": f"q-{number}", "text": f"Does drug {number} help? {text}"})
            for number in range(_NUM_TEXTS)
        ]
        (home / "items.jsonl").write_text("\n".join(lines), encoding="utf-8")
        (home / "config.yaml").write_text(_CONFIG, encoding="utf-8")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        log = home / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [environment / "bin" / "potato", "start", "config.yaml", "-p", str(port)],
                cwd=home,
                env={**os.environ, "PYTHONPATH": ""},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(f"http://localhost:{port}/", log)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
            process.wait(20)


def time_potato(browser: Browser, url: str, delay: float, num_saves: int) -> list[float]:
    """Return the milliseconds of some labels at Potato, after three to warm up."""
    with delayed_line(url, delay) as line:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.add_init_script(_WATCH)
        page.goto(line.url)
        page.locator("input[type=text], input[type=email]").first.fill(f"person{delay:g}")
        page.locator("button[type=submit]").first.click()
        page.get_by_text("Does drug").first.wait_for(timeout=60_000)
        for number in range(num_saves + 3):
            _pick(page)
            page.keyboard.press("ArrowRight")
            _wait_for_times(page, number + 1)
            page.wait_for_timeout(600)
        times: list[float] = page.evaluate("() => JSON.parse(sessionStorage.times)")[3:]
        page.context.close()
    return times


def _pick(page: Page) -> None:
    """Press the key of the first label until it is picked: a page that is not ready takes none."""
    picked = page.locator("input[type=radio]:checked")
    while picked.count() == 0:
        page.keyboard.press("1")
        page.wait_for_timeout(600)


def _wait_for_times(page: Page, count: int) -> None:
    """Wait for the next text; the page may be another one by then."""
    ready = f"() => JSON.parse(sessionStorage.times ?? '[]').length >= {count}"
    page.wait_for_function(ready, timeout=60_000)


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return
        time.sleep(0.2)
    raise SystemExit(f"Potato did not answer at {url}. Its log:\n{log.read_text('utf-8')[-2000:]}")
