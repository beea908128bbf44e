"""A real Firefox, driven by WebDriver BiDi, which it speaks by itself (W3C, "WebDriver BiDi").

Playwright drives only a Firefox of its own build, and the site promises the one people have.
"""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

START_SECONDS = 60
PREFERENCES = {
    # Without WebGL the terminal draws with DOM rows, whose text a test can read.
    "webgl.disabled": True,
    # A test reads the clipboard without the button that a person has to press.
    "dom.events.testing.asyncClipboard": True,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
}
KEYS = {"Control": "\ue009", "Shift": "\ue008", "Enter": "\ue007", "Escape": "\ue00c"}
LEFT, RIGHT = 0, 2


class Firefox:
    """One window of it."""

    def __init__(self, port: int) -> None:
        self._opening = ExitStack()
        address = f"ws://127.0.0.1:{port}/session"
        self._socket = self._opening.enter_context(connect(address, proxy=None, max_size=None))
        self._count = 0
        self.faults: list[str] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        tree = self.ask("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """Send a command and wait for its result. Raises AssertionError for an error."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._count:
                assert message["type"] == "success", message
                return message["result"]
            self._heard(message)

    def _heard(self, message: dict[str, Any]) -> None:
        entry = message.get("params", {})
        if message.get("method") == "log.entryAdded" and entry.get("type") == "javascript":
            self.faults.append(entry.get("text", ""))

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self._context, viewport=viewport)

    def open(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def reload(self) -> None:
        self.ask("browsingContext.reload", context=self._context, wait="complete")

    def run(self, script: str, *, as_learner: bool = False) -> Any:
        """The JSON value of an expression; `as_learner`, as if a key had just been pressed."""
        found = self.ask(
            "script.evaluate",
            expression=f"Promise.resolve({script}).then((value) => JSON.stringify(value) ?? 'null')",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=as_learner,
        )
        assert found["type"] == "success", found
        return json.loads(found["result"]["value"])

    def wait(self, script: str, seconds: float = 30) -> Any:
        """Wait until an expression is truthy; its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"never: {script}"
            time.sleep(0.1)
        return value

    def type(self, text: str) -> None:
        """Press and let go a key for each character."""
        self._keys([(kind, key) for key in text for kind in ("keyDown", "keyUp")])

    def press(self, combination: str) -> None:
        """For example "Control+Shift+c"."""
        keys = [KEYS.get(name, name) for name in combination.split("+")]
        downs = [("keyDown", key) for key in keys]
        self._keys([*downs, *(("keyUp", key) for key in reversed(keys))])

    def _keys(self, steps: list[tuple[str, str]]) -> None:
        actions = [{"type": kind, "value": key} for kind, key in steps]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def click(self, x: float, y: float, *, button: int = LEFT, times: int = 1) -> None:
        one = [{"type": "pointerDown", "button": button}, {"type": "pointerUp", "button": button}]
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self._act({"type": "pointer", "id": "mouse", "actions": [move, *one * times]})

    def click_on(self, selector: str) -> None:
        """Click in the middle of the first element that is seen."""
        x, y = self.wait(
            f"""(() => {{ const seen = [...document.querySelectorAll({json.dumps(selector)})]
                .find((each) => each.checkVisibility({{visibilityProperty: true}}) && !each.disabled);
              const box = seen?.getBoundingClientRect();
              return box && [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        )
        self.click(x, y)

    def _act(self, source: dict[str, Any]) -> None:
        self.ask("input.performActions", context=self._context, actions=[source])

    def cookie(self, name: str) -> str | None:
        partition = {"type": "context", "context": self._context}
        found = self.ask("storage.getCookies", filter={"name": name}, partition=partition)
        return found["cookies"][0]["value"]["value"] if found["cookies"] else None

    def picture(self, path: Path) -> None:
        from base64 import b64decode

        shot = self.ask("browsingContext.captureScreenshot", context=self._context)
        path.write_bytes(b64decode(shot["data"]))

    def close(self) -> None:
        self._opening.close()


@contextmanager
def running_firefox(program: str, profile: Path) -> Iterator[Firefox]:
    """Start it with an empty profile in the folder `profile`; ended afterwards."""
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [program, "--headless", "--no-remote", "--profile", str(profile)]
    with (profile / "firefox.log").open("w+") as log:
        process = subprocess.Popen(
            [*command, f"--remote-debugging-port={port}", "about:blank"], stdout=log, stderr=log
        )
        try:
            firefox = _connected(process, port, profile / "firefox.log")
            yield firefox
            firefox.close()
        finally:
            process.terminate()
            process.wait(30)


def _connected(process: "subprocess.Popen[bytes]", port: int, log: Path) -> Firefox:
    end = time.monotonic() + START_SECONDS
    while not re.search(r"WebDriver BiDi listening", log.read_text(errors="replace")):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < end, log.read_text(errors="replace")
        time.sleep(0.1)
    return Firefox(port)
