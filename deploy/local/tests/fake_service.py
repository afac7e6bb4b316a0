"""A program with health pages, for the tests of the supervisor: `python fake_service.py PORT [FLAW]`."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

FLAW = sys.argv[2] if len(sys.argv) > 2 else ""


class Pages(BaseHTTPRequestHandler):
    """Healthy, unless the flaw says otherwise."""

    def do_GET(self) -> None:
        if self.path == "/crash":
            os._exit(7)
        waits = (FLAW == "never-ready" and self.path == "/health/ready") or FLAW == "doomed"
        ill = FLAW == "ill" and self.path == "/health/live"
        body = b'{"detail": "waiting for the moon"}' if waits else b'{"detail": "the consumer stalls"}'
        self.send_response(503 if waits or ill else 200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if FLAW == "ends":
    print("OSError: [Errno 5] the cable is out", flush=True)
    sys.exit(3)
if FLAW == "disk-full":
    print("could not write: No space left on device", flush=True)
    sys.exit(1)
if FLAW == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Pages).serve_forever()
