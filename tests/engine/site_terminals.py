"""Terminals of learners of a whole site, and what a neighbour feels meanwhile."""

import http.cookiejar
import statistics
import threading
import time
import urllib.parse
import urllib.request
from typing import Any

from bench.terminal_clients import Slipway, WebSocket, until
from tests.engine.site_learners import Learner
from tests.running_site import Site

PROMPT = b"\x1b]133;B\x07"
MAKE_ACCOUNT = """
from classroom.models import User
User.objects.create_user({name!r}, password={password!r})
"""
# Echoes of a neighbour that are taken during an attack, at least.
SAMPLES = 20
# The shell would wrap its line after more.
LINE_KEYS = 40


class Open:
    """Opens terminals of one learner's machine by name."""

    def __init__(self, site: Site, person: Learner) -> None:
        self.person, self.sandbox = person, person.ready()
        self.sockets = f"{site.url.replace('http', 'ws', 1)}/ws/sandboxes/{self.sandbox}"

    def __call__(self, name: str = "main", query: str = "") -> Slipway:
        path = f"/machines/box/terminals/{name}"
        return Slipway(self.sockets + path, "", query, self.person.headers)


class SignedIn(Learner):
    """Somebody with an account who signs in as a browser does; `headers` are its cookies."""

    def __init__(self, site: Site, name: str) -> None:
        password = "long enough for anybody"  # noqa: S105  an account of a test
        site.manage("shell", "-v", "0", "-c", MAKE_ACCOUNT.format(name=name, password=password))
        self.site, self.name = site, name
        self._cookies = http.cookiejar.CookieJar()
        keeping = urllib.request.HTTPCookieProcessor(self._cookies)
        self._browser = urllib.request.build_opener(keeping)
        self._browser.open(f"{site.url}/accounts/login/").close()
        self.post("/accounts/login/", login=name, password=password)

    @property
    def headers(self) -> dict[str, str]:  # type: ignore[override]
        cookies = {each.name: each.value or "" for each in self._cookies}
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return {"Cookie": cookie, "X-CSRFToken": cookies["csrftoken"]}

    def post(self, path: str, **fields: str) -> None:
        """Send a form of the site's."""
        fields["csrfmiddlewaretoken"] = self.headers["X-CSRFToken"]
        data = urllib.parse.urlencode(fields).encode()
        self._browser.open(f"{self.site.url}{path}", data).close()


class Echoes:
    """While a block runs, a neighbour presses keys in a terminal of their own: seconds to each echo."""

    def __init__(self, client: Slipway) -> None:
        self._client = client
        self.seconds: list[float] = []
        self._over = threading.Event()
        self._failed: BaseException | None = None
        self._typing = threading.Thread(target=self._type)

    @property
    def enough(self) -> bool:
        assert self._failed is None, f"the neighbour's terminal: {self._failed!r}"
        return len(self.seconds) >= SAMPLES

    def p95(self) -> float:
        assert self.enough, f"only {len(self.seconds)} echoes"
        return statistics.quantiles(self.seconds, n=20)[-1]

    def __enter__(self) -> "Echoes":
        self._typing.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._typing.join()

    def _type(self) -> None:
        try:
            while not self._over.is_set():
                for _ in range(LINE_KEYS):
                    began = time.monotonic()
                    self._client.write(b"x")
                    until(self._client, b"x")
                    self.seconds.append(time.monotonic() - began)
                    time.sleep(0.02)
                    if self._over.is_set():
                        return
                self._client.write(b"\x15")
                while self._client.read(0.05):
                    pass
        except (OSError, EOFError) as error:
            self._failed = error


def closed_with(client: Any, seconds: float = 10) -> int:
    """Read on until the server closes; the code. `client`: of a terminal, or a `WebSocket`."""
    read = client.frames if isinstance(client, WebSocket) else client.read
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            read(min(left, 1))
    except EOFError as error:
        return int(error.args[0]) if error.args else 1006
    raise AssertionError(f"not closed within {seconds} s")
