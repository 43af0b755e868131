"""A service that says whether a feature is on. Asks a store, over a new connection for each question."""

import configparser
import json
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

file, port = sys.argv[1:]
config = configparser.ConfigParser()
config.read(file)
store = config["store"]
host, _, store_port = store["address"].rpartition(":")
attempts = store.getint("max_attempts", 1)


def seconds(text):
    """The length of "300ms" or "1s"."""
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


backoff = seconds(store.get("backoff", "0s"))
connect_timeout = seconds(store.get("connect_timeout", "5s"))
answer_timeout = seconds(store.get("answer_timeout", "5s"))


def ask(feature):
    """What the store answers. A connection stands once the store has said that it is ready."""
    with socket.create_connection((host, int(store_port)), timeout=connect_timeout) as connection:
        lines = connection.makefile("rw")
        if lines.readline() != "ready\n":
            raise ConnectionError("the store is not ready")
        connection.settimeout(answer_timeout)
        lines.write(f"{feature}\n")
        lines.flush()
        return lines.readline().strip()


def ask_again(feature):
    """Asks as often as it may."""
    for _ in range(attempts):
        try:
            return ask(feature)
        except OSError:
            time.sleep(backoff)
    return None


class Flags(BaseHTTPRequestHandler):
    """`GET /healthz` and `GET /flags/NAME`."""

    def do_GET(self):
        feature = self.path.removeprefix("/flags/")
        state = "well" if self.path == "/healthz" else ask_again(feature)
        body = json.dumps({feature: state}).encode()
        self.send_response(504 if state is None else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing of each request."""


class Server(ThreadingHTTPServer):
    """Many may arrive at the same moment."""

    request_queue_size = 512


Server(("127.0.0.1", int(port)), Flags).serve_forever()
