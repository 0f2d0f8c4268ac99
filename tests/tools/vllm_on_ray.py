"""A STAND-IN for vLLM on Ray, whose build for CPUs knows no Ray; Ray itself is the real one.

Reads the configuration as vLLM does, takes part in the cluster as vLLM's driver does, and answers
with the nodes of the cluster that have each done a part of the work.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


@ray.remote
def part() -> str:
    """What each node answers: its own address, as vLLM's workers know it."""
    return os.environ["VLLM_HOST_IP"]


def parts() -> list[str]:
    """The addresses of all nodes, each told by a process there."""
    alive = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    there = [NodeAffinitySchedulingStrategy(node, soft=False) for node in alive]
    return sorted(ray.get([part.options(scheduling_strategy=one).remote() for one in there]))


def config(file: str) -> dict[str, object]:
    """The configuration; each value is JSON."""
    lines = [line for line in Path(file).read_text().splitlines() if not line.startswith("#")]
    return {key: json.loads(value) for key, _, value in (line.partition(": ") for line in lines)}


class Handler(BaseHTTPRequestHandler):
    """The paths that a gateway and a probe ask."""

    model = ""

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer({})
        else:
            self.answer({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        text = " ".join(parts())
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self.answer({"id": "x", "object": "chat.completion", "created": 0, "model": self.model,
                     "choices": [choice], "usage": usage})  # fmt: skip

    def answer(self, body: dict[str, object]) -> None:
        key = os.environ.get("VLLM_API_KEY")
        wanted = f"Bearer {key}" if key and self.path.startswith("/v1") else None
        refused = wanted is not None and self.headers["Authorization"] != wanted
        data = json.dumps({} if refused else body).encode()
        self.send_response(401 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def main() -> None:
    given = config(sys.argv[sys.argv.index("--config") + 1])
    if given.get("distributed-executor-backend") != "ray":
        sys.exit("this stand-in is for clusters")
    ray.init(log_to_driver=False)
    Handler.model = given["served-model-name"][0]
    ThreadingHTTPServer((str(given["host"]), int(str(given["port"]))), Handler).serve_forever()


if __name__ == "__main__":
    main()
