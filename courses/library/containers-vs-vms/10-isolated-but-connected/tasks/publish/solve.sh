mkdir -p ~/counter
cat > ~/counter/counter.py <<'PY'
"""Counts visits. The number is kept in the store, not here."""
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def ask_store(command):
    with socket.create_connection(("store", 6379), timeout=3) as store:
        store.sendall(f"{command}\r\n".encode())
        return store.makefile().readline().strip("$:\r\n")


class Counter(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            if self.path == "/":
                status, text = 200, f"You are visitor {ask_store('INCR visits')}."
            else:
                status, text = 200, f"The store says {ask_store('PING')}."
        except OSError as error:
            status, text = 502, f"The store can't be reached: {error}"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"{text}\n".encode())


ThreadingHTTPServer(("", 8000), Counter).serve_forever()
PY
docker rm -f web
docker run -d --name web --network quay -p 8080:8000 -v ~/counter:/app python:3.11-slim python /app/counter.py
