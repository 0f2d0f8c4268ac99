#!/usr/bin/env python3
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A STAND-IN for `ollama serve`, not Ollama: its API's paths, with a library in a folder.

LIBRARY (STAND_IN_LIBRARY) is a folder of `NAME.json`: {"layers": [size, ...], "error": text,
"stall": seconds, "cut": true}, what it can pull and how that goes wrong. Inference is passed on to
STAND_IN_LLAMA, a real llama-server, where that is set; otherwise it says that it is a stand-in.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSION = "0.0.0-stand-in"


def whole(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


class Store:
    """Manifests and blobs in a folder, laid out as Ollama's."""

    def __init__(self, folder: Path, library: Path) -> None:
        self.folder, self.library = folder, library
        (folder / "blobs").mkdir(parents=True, exist_ok=True)

    def manifest(self, name: str) -> Path:
        base, _colon, tag = whole(name).rpartition(":")
        owner = base if "/" in base else f"library/{base}"
        return self.folder / "manifests" / "registry.ollama.ai" / owner / tag

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / f"sha256-{digest}"

    def put(self, name: str, manifest: dict[str, Any]) -> None:
        file = self.manifest(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(manifest, sort_keys=True))

    def tags(self) -> list[dict[str, Any]]:
        found = []
        for file in sorted((self.folder / "manifests").glob("*/*/*/*")):
            owner, name, tag = file.parts[-3:]
            short = name if owner == "library" else f"{owner}/{name}"
            layers = json.loads(file.read_text())["layers"]
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            one = {"digest": digest, "size": sum(layer["size"] for layer in layers)}
            found.append({"name": f"{short}:{tag}", "model": f"{short}:{tag}", **one})
        return found


class Handler(BaseHTTPRequestHandler):
    store: Store
    llama = ""

    def log_message(self, format: str, *args: Any) -> None:
        print("stand-in:", format % args, file=sys.stderr, flush=True)

    def _json(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _say(self, **line: Any) -> None:
        self.wfile.write(json.dumps(line).encode() + b"\n")
        self.wfile.flush()

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()

    def do_HEAD(self) -> None:
        digest = self.path.rpartition("sha256:")[2]
        self.send_response(200 if self.store.blob(digest).exists() else 404)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/api/version":
            self._json(200, {"version": VERSION})
        elif self.path == "/api/tags":
            self._json(200, {"models": self.store.tags()})
        elif self.path == "/v1/models":
            listed = [{"id": one["name"], "object": "model"} for one in self.store.tags()]
            self._json(200, {"object": "list", "data": listed})
        elif self.path == "/":
            self._json(200, "Ollama's stand-in is running")
        else:
            self._json(404, {"error": "not found"})

    def do_DELETE(self) -> None:
        file = self.store.manifest(json.loads(self._body())["model"])
        if not file.exists():
            return self._json(404, {"error": "model not found"})
        file.unlink()
        return self._json(200, {})

    def do_POST(self) -> None:
        if "/api/blobs/" in self.path:
            return self._take_blob()
        asked = json.loads(self._body() or b"{}")
        work = {
            "/api/pull": self._pull,
            "/api/create": self._create,
            "/api/copy": self._copy,
            "/api/show": self._show,
            "/api/chat": self._chat,
            "/api/generate": self._chat,
        }.get(self.path)
        if work:
            return work(asked)
        if self.path.startswith("/v1/"):
            status, body = self._ask(self.path, asked)
            return self._json(status, body)
        return self._json(404, {"error": "not found"})

    def _take_blob(self) -> None:
        digest, data = self.path.rpartition("sha256:")[2], self._body()
        if hashlib.sha256(data).hexdigest() != digest:
            return self._json(400, {"error": "digest mismatch"})
        self.store.blob(digest).write_bytes(data)
        return self._json(201, {})

    def _pull(self, asked: dict[str, Any]) -> None:
        name = whole(asked["model"])
        file = self.store.library / f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}.json"
        self._stream()
        self._say(status="pulling manifest")
        if not file.exists():
            return self._say(error="pull model manifest: file does not exist")
        known, layers = json.loads(file.read_text()), []
        for number, size in enumerate(known["layers"]):
            digest = hashlib.sha256(f"{name}/{number}/{size}".encode()).hexdigest()
            partial = self.store.blob(digest).with_suffix(".partial")
            here = size if self.store.blob(digest).exists() else 0
            here = here or (partial.stat().st_size if partial.exists() else 0)
            line = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size}
            self._say(**line, completed=here)
            if known.get("error"):
                return self._say(error=known["error"])
            if known.get("cut") and not here:
                partial.write_bytes(bytes(size // 2))
                return None
            end = time.monotonic() + known.get("stall", 0)
            while time.monotonic() < end:
                self._say(**line, completed=here)
                time.sleep(0.06)  # as often as Ollama says how far it is
            self.store.blob(digest).write_bytes(bytes(min(size, 4096)))
            partial.unlink(missing_ok=True)
            self._say(**line, completed=size)
            layers.append({"digest": f"sha256:{digest}", "size": size})
        self._say(status="verifying sha256 digest")
        self.store.put(name, {"layers": layers})
        return self._say(status="success")

    def _create(self, asked: dict[str, Any]) -> None:
        self._stream()
        layers: list[dict[str, Any]] = []
        if asked.get("from"):
            base = self.store.manifest(asked["from"])
            if not base.exists():
                return self._say(error=f"model {asked['from']} not found")
            layers = json.loads(base.read_text())["layers"]
        for digest in [*asked.get("files", {}).values(), *asked.get("adapters", {}).values()]:
            blob = self.store.blob(digest.removeprefix("sha256:"))
            if not blob.exists():
                return self._say(error=f"blob {digest} not found")
            layers.append({"digest": digest, "size": blob.stat().st_size})
        beside = {key: asked[key] for key in ("system", "parameters", "template") if key in asked}
        self.store.put(asked["model"], {"layers": layers, "config": beside})
        return self._say(status="success")

    def _copy(self, asked: dict[str, Any]) -> None:
        base = self.store.manifest(asked["source"])
        if not base.exists():
            return self._json(404, {"error": f"model '{asked['source']}' not found"})
        self.store.put(asked["destination"], json.loads(base.read_text()))
        return self._json(200, {})

    def _show(self, asked: dict[str, Any]) -> None:
        file = self.store.manifest(asked["model"])
        if not file.exists():
            return self._json(404, {"error": f"model '{asked['model']}' not found"})
        return self._json(200, {"details": {"format": "gguf"}, **json.loads(file.read_text())})

    def _chat(self, asked: dict[str, Any]) -> None:
        name = asked["model"]
        if not self.store.manifest(name).exists():
            return self._json(404, {"error": f"model '{name}' not found"})
        messages = asked.get("messages") or [{"role": "user", "content": asked.get("prompt", "")}]
        status, body = self._ask("/v1/chat/completions", {"messages": messages, "max_tokens": 32})
        if status != 200:
            return self._json(status, body)
        text = body["choices"][0]["message"]["content"]
        said = {"message": {"role": "assistant", "content": text}, "response": text}
        counts = {"prompt_eval_count": 1, "eval_count": 1, "total_duration": 1}
        whole_answer = {"model": name, "created_at": "2026-01-01T00:00:00Z", **said, **counts}
        if asked.get("stream", True):
            self._stream()
            return self._say(**whole_answer, done=True, done_reason="stop")
        return self._json(200, {**whole_answer, "done": True, "done_reason": "stop"})

    def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if not self.llama:
            text = "I am a stand-in for Ollama."
            return 200, {"choices": [{"message": {"role": "assistant", "content": text}}]}
        there = urlsplit(self.llama)
        link = http.client.HTTPConnection(str(there.hostname), there.port, timeout=120)
        link.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())


def serve(host: str, port: int, store: Path, library: Path, llama: str = "") -> ThreadingHTTPServer:
    """A server that is bound and not yet running."""
    made = type("Bound", (Handler,), {"store": Store(store, library), "llama": llama})
    return ThreadingHTTPServer((host, port), made)


def main() -> None:
    if sys.argv[1:] != ["serve"]:
        sys.exit(f"ollama version is {VERSION}: a stand-in, which can `serve`")
    host, _colon, port = os.environ["OLLAMA_HOST"].rpartition(":")
    store, library = (
        Path(os.environ["OLLAMA_MODELS"]),
        os.environ.get("STAND_IN_LIBRARY", "/nowhere"),
    )
    llama = os.environ.get("STAND_IN_LLAMA", "")
    print("This is a STAND-IN for Ollama.", file=sys.stderr, flush=True)
    serve(host.strip("[]"), int(port), store, Path(library), llama).serve_forever()


if __name__ == "__main__":
    main()
