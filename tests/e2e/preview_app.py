"""What a learner might serve: a page with a WebSocket and an event stream, and a nosy page.

Runs on a machine with nothing but Python; the browser tests write it there.
"""

import base64
import hashlib
import http.server
import time
from typing import Any

PAGE = """<!doctype html><title>Harbour</title><h1>Harbour</h1><p id=socket></p><p id=events></p>
<form method=post action=/said><input name=what value=ahoy><button>Say it</button></form>
<script>
const say = (id, text) => (document.getElementById(id).textContent += text + " ");
const socket = new WebSocket(`ws://${location.host}/socket`);
socket.onopen = () => socket.send("ahoy");
socket.onmessage = ({data}) => (say("socket", data), socket.close(4000));
socket.onclose = ({code}) => say("socket", "closed " + code);
const events = new EventSource("/events");
events.onmessage = ({data}) => (say("events", data), data === "3" && events.close());
</script>"""
NOSY = """<!doctype html><title>Nosy</title><pre id=found></pre><script>
const site = new URLSearchParams(location.search).get("site");
const tried = async (job) => { try { return String(await job()); } catch (error) { return "refused: " + error.name; } };
document.cookie = "tossed=1; domain=localhost; path=/";
document.cookie = "mine=1";
(async () => {
  const found = {
    cookies: document.cookie,
    opener: String(window.opener),
    read: await tried(async () => (await fetch(site + "/api/v1/progress", {credentials: "include"})).text()),
    start: await tried(async () => (await fetch(site + "/api/v1/sandboxes", {method: "POST", credentials: "include",
      headers: {"Content-Type": "application/json"}, body: "{}"})).status),
    parent: await tried(() => window.parent === window ? "alone" : window.parent.document.cookie),
    worker: await tried(() => navigator.serviceWorker.register("/worker.js")),
  };
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


class App(http.server.BaseHTTPRequestHandler):
    """Answers each path with what its name says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        serve = {"/socket": self.socket, "/events": self.events}.get(path)
        if serve:
            serve()
            return
        pages = {"/nosy": NOSY, "/worker.js": "", "/cookies": self.headers.get("Cookie", "none")}
        body = pages.get(path, PAGE).encode()
        self.send_response(200)
        kind = "text/javascript" if path == "/worker.js" else "text/html; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = b"<!doctype html><p id=said>" + body + b" " + self.cookies() + b"</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        # What Django's own apps use as well, the site among them.
        self.send_header("Set-Cookie", "sessionid=the-apps; Path=/; HttpOnly")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def cookies(self) -> bytes:
        return str(self.headers.get("Cookie", "none")).encode()

    def events(self) -> None:
        """Three events, each some time after the one before."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for number in (1, 2, 3):
            self.wfile.write(f"data: {number}\n\n".encode())
            time.sleep(0.2)

    def socket(self) -> None:
        """Say what came once more, in capitals. Source of the numbers: RFC 6455."""
        self.close_connection = True
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
            self.send_header(name, value)
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        text = self.frame().upper()
        self.wfile.write(bytes([0x81, len(text)]) + text)
        close = self.frame()
        self.wfile.write(bytes([0x88, len(close)]) + close)

    def frame(self) -> bytes:
        """A short masked frame's payload."""
        size = self.rfile.read(2)[1] & 0x7F
        mask, data = self.rfile.read(4), self.rfile.read(size)
        return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", 5000), App).serve_forever()
