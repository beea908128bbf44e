"""tally adds up a receipt and answers on port 5000."""

import csv
import os
import sys
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from humanize import natural_list

PORT = 5000
LOCALE = os.environ.get("TALLY_LOCALE", "en_GB")


def read_price(text):
    """A price the way people write it: 1,250.00 in en_GB, 1.250,00 in de_DE."""
    if LOCALE.startswith("de"):
        return Decimal(text.replace(".", "").replace(",", "."))
    return Decimal(text.replace(",", ""))


def answer():
    with open("receipt.csv", newline="") as receipt:
        lines = list(csv.DictReader(receipt))
    total = sum(read_price(line["price"]) for line in lines)
    items = natural_list([line["item"] for line in lines])
    return f"{items}: {total:.2f} EUR\n"


class Tally(BaseHTTPRequestHandler):
    def do_GET(self):
        body = answer().encode() if self.path == "/total" else b"Ask for /total\n"
        self.send_response(200 if self.path == "/total" else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    try:
        server = ThreadingHTTPServer(("", PORT), Tally)
    except OSError:
        sys.exit(f"tally: port {PORT} is taken. To stop a tally that runs already: pkill -f app.py")
    print(f"tally: listening on port {PORT}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("tally: stopped")
