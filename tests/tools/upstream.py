"""A stand-in for a provider with the OpenAI API, for tests of the gateway: it says who it is.

python3 upstream.py PORT NAME. A stream takes 20 chunks of 0.1 s.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = "stand-in"

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.reply({"status": "ok"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            row = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
            self.reply({"object": "list", "model": "m", "data": [row], "usage": USAGE})
        elif asked.get("stream"):
            self.stream()
        else:
            message = {"role": "assistant", "content": f"from {self.name}"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.reply({**self.head("chat.completion"), "choices": [choice], "usage": USAGE})

    def head(self, kind: str) -> dict[str, object]:
        return {"id": "x", "object": kind, "created": 1, "model": "m"}

    def reply(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number in range(20):
            self.chunk({"role": "assistant", "content": f"{number} "}, None)
            time.sleep(0.1)
        self.chunk({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def chunk(self, delta: object, reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {**self.head("chat.completion.chunk"), "choices": [choice]}
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")
        self.wfile.flush()


def serve(port: int, name: str, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """A server for this stand-in; the caller lets it run."""
    return ThreadingHTTPServer((host, port), type("Named", (Upstream,), {"name": name}))


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], "0.0.0.0").serve_forever()
