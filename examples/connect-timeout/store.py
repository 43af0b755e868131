"""A store of features: says that it is ready, then answers each line. All features are on."""

import socketserver
import sys


class Store(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self):
        try:
            self.wfile.write(b"ready\n")
            for _ in self.rfile:
                self.wfile.write(b"on\n")
        except OSError:
            # Whoever asked has given up.
            pass


class Server(socketserver.ThreadingTCPServer):
    """Many may arrive at the same moment."""

    request_queue_size = 512
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Store).serve_forever()
