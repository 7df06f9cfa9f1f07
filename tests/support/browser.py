"""A headless Chromium, driven through chromedriver's own HTTP interface."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
STARTED = re.compile(r"started successfully on port (\d+)")
KEYS = {"Tab": "\ue004", "Escape": "\ue00c", "Right": "\ue014", "Down": "\ue015", "Enter": "\ue007"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The driver is on this machine: no proxy between."""


class Browser:
    """One window."""

    def __init__(self, driver: str, profile: Path) -> None:
        self.url = driver
        options = {"binary": CHROMIUM, "args": [*OPTIONS, f"--user-data-dir={profile}"]}
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": logs}
        session = self._post("/session", capabilities={"alwaysMatch": wanted})["sessionId"]
        self.url = f"{driver}/session/{session}"

    def open(self, path: Path) -> None:
        self._post("/url", url=path.as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function returns."""
        return self._post("/execute/sync", script=script, args=list(arguments))

    def press(self, *names: str) -> None:
        """Press and release keys: a name of `KEYS` or a letter."""
        keys = [KEYS.get(name, name) for name in names]
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": steps}])

    def point(self, x: float, y: float, tap: bool = False) -> None:
        """Move the mouse to a point of the window, or tap on it with a finger."""
        kind = "touch" if tap else "mouse"
        steps: list[dict[str, Any]] = [{"type": "pointerMove", "x": round(x), "y": round(y)}]
        if tap:
            steps += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}}
        self._post("/actions", actions=[pointer | {"actions": steps}])

    def chrome(self, command: str, **params: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._post("/goog/cdp/execute", cmd=command, params=params)

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        """The window's inside, in CSS pixels; `scale` is that of screenshots."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.chrome("Emulation.setDeviceMetricsOverride", **size)

    def prefer(self, scheme: str) -> None:
        """The system's colour scheme, light or dark; the page is told before its next frame."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.chrome("Emulation.setEmulatedMedia", features=[feature])
        self.run("await new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def screenshot(self, path: Path) -> None:
        """The whole page, also what is out of sight."""
        shot = self.chrome("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(b64decode(shot["data"]))

    def log(self, kind: str) -> list[dict[str, Any]]:
        """The entries since the last call: `browser` is the console, `performance` the network."""
        entries: list[dict[str, Any]] = self._post("/se/log", type=kind)
        return entries

    def close(self) -> None:
        DIRECT.open(urllib.request.Request(self.url, method="DELETE")).close()

    def _post(self, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}
        )
        try:
            with DIRECT.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile; skips the test where there is none."""
    if not CHROMIUM or not CHROMEDRIVER:
        pytest.skip("no chromium and chromedriver on the path")
    driver = subprocess.Popen([CHROMEDRIVER, "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout
        port = next(found[1] for line in driver.stdout if (found := STARTED.search(line)))
        window = Browser(f"http://127.0.0.1:{port}", profile)
        try:
            yield window
        finally:
            window.close()
    finally:
        driver.terminate()
        driver.wait()
