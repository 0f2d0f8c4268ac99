"""The real proxy for tests of what a key of the registry does: labelled upstreams, one process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from tools.real_litellm import litellm_python

KEY = "sk-of-the-test"
REGISTRY = (Path(__file__).parents[1] / "registries/effects/registry.yaml").read_text()
KEYS = {
    "ANTHROPIC_API_KEY": "of-anthropic",
    "OPENAI_API_KEY": "of-openai",
    "CUSTOM_API_KEY": "of-custom",
    "HEADER_KEY": "of-header",
}
INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "127.0.0.1"})
FAILURES = {
    "down": (500, "down"),
    "long": (400, "This model's maximum context length is 10 tokens"),
}
USAGE = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}


@dataclass(slots=True)
class Answer:
    """What a client got: `who` is the provider that answered, "" if none did."""

    status: int
    who: str
    body: dict[str, Any]


@dataclass(slots=True)
class Upstreams:
    """All providers in one server; the first part of a path says which one. What they were asked
    to infer stands in `seen`, in order, and what was only looked at, paths, in `looked`: LiteLLM
    looks at /v1/models when it likes. `failing` is provider -> how it fails."""

    server: ThreadingHTTPServer
    failing: dict[str, str] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        return [one["who"] for one in self.seen]


@dataclass(slots=True)
class Lab:
    """The proxy and those behind it."""

    compiled: Compiled
    upstreams: Upstreams
    url: str

    def ask(self, model: str, **headers: str) -> Answer:
        """One chat request, after which `upstreams.seen` is about this request alone."""
        self.upstreams.seen.clear()
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return self._post("/v1/chat/completions", body, headers)

    def embed(self, model: str) -> Answer:
        """One embedding."""
        self.upstreams.seen.clear()
        return self._post("/v1/embeddings", {"model": model, "input": "Hello"}, {})

    def models(self) -> list[str]:
        """What /v1/models lists."""
        return [one["id"] for one in self._open("/v1/models", None, {}).body["data"]]

    @contextlib.contextmanager
    def down(self, *providers: str, how: str = "down") -> Iterator[None]:
        """While these fail."""
        self.upstreams.failing |= dict.fromkeys(providers, how)
        try:
            yield
        finally:
            self.upstreams.failing.clear()

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        return self._open(path, json.dumps(body).encode(), headers)

    def _open(self, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        fixed = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, data, fixed | named)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                body = json.load(answer)
                return Answer(answer.status, _who(body), body)
        except urllib.error.HTTPError as error:
            return Answer(error.code, "", json.load(error))


def _who(body: dict[str, Any]) -> str:
    if body.get("choices"):
        return str(body["choices"][0]["message"]["content"])
    return str(body.get("model", ""))


class _Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Upstreams

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.of.looked.append(self.path)
        self._reply(200, {"status": "ok"})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        who = self._note(sent)
        if who in self.of.failing:
            status, message = FAILURES[self.of.failing[who]]
            self._reply(status, {"error": {"message": message, "type": "x", "code": message}})
        elif self.path.endswith("/embeddings"):
            row = {"object": "embedding", "index": 0, "embedding": [0.5]}
            self._reply(200, {"object": "list", "model": who, "data": [row], "usage": USAGE})
        else:
            message = {"role": "assistant", "content": who}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            head = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
            own = {"message": message, "done": True, "prompt_eval_count": 10, "eval_count": 10}
            claude = {"type": "message", "role": "assistant", "stop_reason": "end_turn",
                      "content": [{"type": "text", "text": who}],
                      "usage": USAGE | {"input_tokens": 10, "output_tokens": 10}}  # fmt: skip
            if self.path.endswith("/api/chat"):
                self._reply(200, {"model": "m", "created_at": "2026-01-01T00:00:00Z", **own})
            elif self.path.endswith("/messages"):
                self._reply(200, {"id": "1", "model": "m", **claude})
            else:
                self._reply(200, {**head, "choices": [choice], "usage": USAGE})

    def _note(self, sent: dict[str, Any]) -> str:
        who = self.path.split("/")[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = {"who": who, "path": self.path, "model": sent.get("model"), "headers": headers}
        self.of.seen.append(seen)
        return who

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def upstreams() -> Iterator[Upstreams]:
    """As long as they are needed."""
    handler = type("Named", (_Provider,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.of = found = Upstreams(server)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()


@contextlib.contextmanager
def guide_lab(directory: Path) -> Iterator[Lab]:
    """The proxy with the registry of the hand procedure."""
    with lab(directory, REGISTRY, **KEYS) as found:
        yield found


def who(guide: Lab, model: str, times: int) -> Counter[str]:
    """How often each has answered; "" where nobody did."""
    return Counter(guide.ask(model).who for _ in range(times))


@contextlib.contextmanager
def lab(directory: Path, text: str, **environment: str) -> Iterator[Lab]:
    """The real proxy with a registry's configuration; UP in it is where the upstreams are."""
    with upstreams() as behind:
        (directory / "lab.yaml").write_text(text.replace("UP", behind.url))
        compiled = compile_registry(str(directory), INVENTORY)
        assert compiled.gateway_config, "\n".join(map(str, compiled.problems))
        (directory / "config").mkdir()
        file = directory / "config/config.yaml"
        file.write_text(yaml.safe_dump(compiled.gateway_config))
        with _proxy(file, {**environment, **compiled.environment}) as url:
            yield Lab(compiled, behind, url)


@contextlib.contextmanager
def _proxy(file: Path, environment: dict[str, str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = str(litellm_python().with_name("litellm"))
    words = [program, "--config", str(file), "--port", str(port), "--host", "127.0.0.1"]
    own = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    own |= {"LITELLM_MODE": "PRODUCTION", **environment}
    with (file.parent / "log").open("w") as log:
        process = subprocess.Popen(words, env={**os.environ, **own}, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 180
        while not _alive(url):
            assert time.monotonic() < until, (file.parent / "log").read_text()[-2000:]
            assert process.poll() is None, (file.parent / "log").read_text()[-2000:]
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _alive(url: str) -> bool:
    try:
        with urllib.request.urlopen(url + "/health/liveliness", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
