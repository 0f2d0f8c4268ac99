"""A stand-in for a provider with the OpenAI API, for tests of the gateway: it says who it is.

python3 upstream.py PORT NAME. A stream takes 6 chunks of 0.4 s. A model whose name has "broken" in
it answers 500, one with "slow" after a second.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
CHUNKS, CHUNK_SECONDS = 6, 0.4


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = "stand-in"

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.reply({"status": "ok"})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "broken" in asked.get("model", ""):
            self.reply({"error": {"message": f"{self.name} is broken", "type": "server"}}, 500)
            return
        if "slow" in asked.get("model", ""):
            time.sleep(1)
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

    def reply(self, body: object, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(CHUNKS):
            self.chunk({"role": "assistant", "content": f"{number} "}, None)
            time.sleep(CHUNK_SECONDS)
        self.chunk({}, "stop")
        self.event(b"[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, delta: object, reason: str | None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        body = {**self.head("chat.completion.chunk"), "choices": [choice]}
        self.event(json.dumps(body).encode())

    def event(self, data: bytes) -> None:
        event = b"data: " + data + b"\n\n"
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    request_queue_size = 1024  # after a standstill everybody comes at once
    daemon_threads = True


def serve(port: int, name: str, host: str = "127.0.0.1") -> Server:
    """A server for this stand-in; the caller lets it run."""
    return Server((host, port), type("Named", (Upstream,), {"name": name}))


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], "0.0.0.0").serve_forever()
