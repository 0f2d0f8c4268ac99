#!/usr/bin/env python3
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A STAND-IN for `ollama serve`, not Ollama: its API's paths, statuses and streams.

It pulls from STAND_IN_LIBRARY (see ollama_stand_in_models.py). Inference is that of a real
llama-server, the one in lib/ollama of the archive that it is packed in; without one it says that it
is a stand-in. STAND_IN_FAULT is `hang` (it listens and never answers), `die` (it ends at once) or
`mute` (no model is ever loaded).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True  # it is packed as a release, whose folder is nobody's to write to
sys.path.insert(0, str(Path(__file__).resolve().parent))
from ollama_stand_in_models import RefusalError, Store, sum_of  # noqa: E402
from ollama_stand_in_runners import Runners, ask_for, pieces, runner_beside  # noqa: E402

LABEL = Path(__file__).resolve().parents[1] / "lib" / "ollama" / "STAND-IN.txt"
VERSION = LABEL.read_text().split()[0] if LABEL.exists() else "0.0.0-stand-in"


class Handler(BaseHTTPRequestHandler):
    store: Store
    runners: Runners
    mute = False

    def log_message(self, format: str, *args: Any) -> None:
        print("stand-in:", format % args, file=sys.stderr, flush=True)

    def _json(self, status: int, body: Any) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, lines: Iterable[dict[str, Any]]) -> None:
        """Lines of JSON. An error before the first has its status; a later one is but a line."""
        begun = False
        try:
            for line in lines:
                if not begun:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/x-ndjson")
                    self.end_headers()
                    begun = True
                self.wfile.write(json.dumps(line).encode() + b"\n")
                self.wfile.flush()
        except RefusalError as problem:
            if not begun:
                return self._json(problem.status, {"error": str(problem)})
            self.wfile.write(json.dumps({"error": str(problem)}).encode() + b"\n")
        except ConnectionError:
            return None  # whoever asked is gone
        return None

    def do_HEAD(self) -> None:
        known = self.path in ("/", "/api/version", "/api/tags")
        there = known or self.store.blob(self.path.rpartition("/")[2]).exists()
        self.send_response(200 if there else 404)
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/api/version":
            self._json(200, {"version": VERSION})
        elif self.path == "/api/tags":
            self._json(200, {"models": self.store.tags()})
        elif self.path == "/api/ps":
            self._json(200, {"models": [{"name": file} for file, _kind in self.runners.running]})
        elif self.path == "/v1/models":
            listed = [{"id": one["name"], "object": "model"} for one in self.store.tags()]
            self._json(200, {"object": "list", "data": listed})
        else:
            self._json(*((200, "Ollama is running") if self.path == "/" else (404, None)))

    def do_DELETE(self) -> None:
        try:
            self.store.remove(json.loads(self._body())["model"])
        except RefusalError as problem:
            return self._json(problem.status, {"error": str(problem)})
        return self._json(200, None)

    def do_POST(self) -> None:
        if "/api/blobs/" in self.path:
            return self._take_blob()
        asked = json.loads(self._body() or b"{}")
        if self.path == "/api/pull":
            return self._stream(self.store.pull(asked["model"]))
        if self.path == "/api/create":
            return self._stream(self._made(asked))
        work = {
            "/api/copy": self._copy,
            "/api/show": self._show,
            "/api/chat": self._chat,
            "/api/generate": self._chat,
            "/api/embed": self._embed,
        }.get(self.path, self._as_openai if self.path.startswith("/v1/") else None)
        if work is None:
            return self._json(404, None)
        try:
            return work(asked)
        except RefusalError as problem:
            return self._json(problem.status, {"error": str(problem)})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _take_blob(self) -> None:
        digest, left = self.path.rpartition("/")[2], int(self.headers["Content-Length"])
        fresh = self.store.blob(f"{digest}-fresh")
        try:
            with fresh.open("wb") as out:
                while left > 0 and (piece := self.rfile.read(min(left, 1 << 20))):
                    out.write(piece)
                    left -= len(piece)
        except OSError as problem:
            fresh.unlink()
            return self._json(500, {"error": f"write {fresh}: {str(problem.strerror).lower()}"})
        if f"sha256:{sum_of(fresh)}" != digest:
            fresh.unlink()
            return self._json(400, {"error": "digest mismatch"})
        fresh.rename(self.store.blob(digest))
        return self._json(201, None)

    def _made(self, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if asked.get("from") and not self.store.manifest(asked["from"]).exists():
            yield from self.store.pull(asked["from"])
        yield from self.store.create(asked)

    def _copy(self, asked: dict[str, Any]) -> None:
        self.store.put(asked["destination"], self.store.known(asked["source"]))
        self._json(200, None)

    def _show(self, asked: dict[str, Any]) -> None:
        found = self.store.known(asked.get("model") or asked.get("name") or "")
        self._json(200, {"details": {"format": "gguf"}, "model_info": {}, **found})

    def _runner(self, asked: dict[str, Any], embeds: bool = False) -> tuple[str, dict[str, Any]]:
        """Where the model is served, and what it was made with."""
        known = self.store.known(asked["model"])
        made = known.get("config") or {}
        while self.mute:
            threading.Event().wait(60)
        if self.runners.program is None:
            return "", made
        layer = max(known["layers"], key=lambda one: one["size"])
        context = int((made.get("parameters") or {}).get("num_ctx") or 2048)
        return self.runners.of(self.store.blob(layer["digest"]), embeds, context), made

    def _chat(self, asked: dict[str, Any]) -> None:
        base, made = self._runner(asked)
        messages = asked.get("messages") or [{"role": "user", "content": asked.get("prompt", "")}]
        if made.get("system") and messages[0]["role"] != "system":
            messages = [{"role": "system", "content": made["system"]}, *messages]
        options = asked.get("options") or {}
        question = {"messages": messages, "stream": True, "max_tokens": 64}
        question |= {"max_tokens": options["num_predict"]} if "num_predict" in options else {}
        question |= {k: options[k] for k in ("temperature", "seed") if k in options}
        lines = self._lines(asked["model"], pieces(base, question))
        if asked.get("stream", True):
            return self._stream(lines)
        told = list(lines)
        text = "".join(line["response"] for line in told)
        message = {"role": "assistant", "content": text}
        return self._json(200, {**told[-1], "message": message, "response": text})

    def _lines(self, model: str, pieces: Iterable[str]) -> Iterator[dict[str, Any]]:
        head = {"model": model, "created_at": "2026-01-01T00:00:00Z"}
        count = 0
        for piece in pieces:
            count += 1
            said = {"message": {"role": "assistant", "content": piece}, "response": piece}
            yield {**head, **said, "done": False}
        end = {"message": {"role": "assistant", "content": ""}, "response": "", "done": True}
        counts = {"prompt_eval_count": 1, "eval_count": count, "total_duration": 1}
        yield {**head, **end, **counts, "done_reason": "stop"}

    def _embed(self, asked: dict[str, Any]) -> None:
        base, _made = self._runner(asked, embeds=True)
        rows = ask_for(base, "/v1/embeddings", {"input": asked["input"]})["data"] if base else []
        found = [row["embedding"] for row in rows] or [[0.5]]
        self._json(200, {"model": asked["model"], "embeddings": found, "prompt_eval_count": 1})

    def _as_openai(self, asked: dict[str, Any]) -> None:
        base, _made = self._runner(asked, self.path.endswith("/embeddings"))
        message = {"message": {"role": "assistant", "content": "".join(pieces("", {}))}}
        answer = ask_for(base, self.path, {**asked, "stream": False}) if base else None
        self._json(200, answer or {"choices": [message]})


def serve(host: str, port: int, store: Path, library: str) -> ThreadingHTTPServer:
    """A server that is bound and not yet running."""
    given = {"store": Store(store, library), "runners": Runners(runner_beside(Path(__file__)))}
    given["mute"] = os.environ.get("STAND_IN_FAULT") == "mute"
    return ThreadingHTTPServer((host, port), type("Bound", (Handler,), given))


def main() -> None:
    if sys.argv[1:] != ["serve"]:
        sys.exit(f"ollama version is {VERSION}: a stand-in, which can `serve`")
    fault = os.environ.get("STAND_IN_FAULT")
    host, _colon, port = os.environ["OLLAMA_HOST"].rpartition(":")
    store, library = os.environ["OLLAMA_MODELS"], os.environ.get("STAND_IN_LIBRARY", "/nowhere")
    print(f"This is a STAND-IN for Ollama, version {VERSION}.", file=sys.stderr, flush=True)
    if fault == "die":
        sys.exit("Error: the stand-in was told to end")
    try:
        server = serve(host.strip("[]"), int(port), Path(store), library)
    except OSError as problem:
        text = str(problem.strerror).lower()
        sys.exit(f"Error: listen tcp {host}:{port}: bind: {text}")
    if fault == "hang":
        threading.Event().wait()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server.serve_forever()
    finally:
        server.RequestHandlerClass.runners.end()


if __name__ == "__main__":
    main()
