# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of the STAND-IN for Ollama: its store of models, and the library it pulls from.

The library is a folder or an address with the paths of Ollama's registry,
`v2/library/NAME/manifests/TAG` and `.../blobs/sha256:SUM`. A manifest may say how its pull goes
wrong: {"fault": {"error": text, "stall": seconds, "cut": true}}.
"""

from __future__ import annotations

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Line = dict[str, Any]
HOST = "registry.ollama.ai"
KINDS = {True: "application/vnd.ollama.image.model", False: "application/vnd.ollama.image.params"}


class RefusalError(Exception):
    """What Ollama refuses, with its HTTP status where nothing was said yet."""

    def __init__(self, text: str, status: int = 500) -> None:
        super().__init__(text)
        self.status = status


def parts(name: str) -> tuple[str, str, str, str]:
    """Host, namespace, model and tag, as Ollama reads a name."""
    base, tag = name, "latest"
    if ":" in name.rpartition("/")[2]:
        base, _colon, tag = name.rpartition(":")
    pieces = base.split("/")
    host, owner, model = [HOST, "library"][: 3 - len(pieces)] + pieces
    return host, owner, model, tag


def sum_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def offer(library: Path, name: str, *layers: bytes | Path | int, **fault: Any) -> None:
    """Put a model into a library: each layer its bytes, a file (linked), or a size that nobody
    has."""
    _host, owner, model, tag = parts(name)
    top, listed = library / "v2" / owner / model, []
    (top / "blobs").mkdir(parents=True, exist_ok=True)
    for layer in layers:
        if isinstance(layer, int):
            listed.append({"digest": f"sha256:{layer:064x}"[:71], "size": layer})
            continue
        data = layer.read_bytes() if isinstance(layer, Path) else layer
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        blob = top / "blobs" / digest
        if not blob.exists():
            blob.hardlink_to(layer) if isinstance(layer, Path) else blob.write_bytes(data)
        kind = KINDS[data.startswith(b"GGUF")]
        listed.append({"mediaType": kind, "digest": digest, "size": len(data)})
    config = {"digest": "", "size": 0}
    manifest = {"schemaVersion": 2, "config": config, "layers": listed, "fault": fault}
    (top / "manifests").mkdir(exist_ok=True)
    (top / "manifests" / tag).write_text(json.dumps(manifest))


class Store:
    """Manifests and blobs in a folder, laid out as Ollama's."""

    def __init__(self, folder: Path, library: str) -> None:
        self.folder = folder
        self.library = Path(library).as_uri() if library.startswith("/") else library
        (folder / "blobs").mkdir(parents=True, exist_ok=True)

    def manifest(self, name: str) -> Path:
        """Where it is, or would be; small letters and capitals are the same, as for Ollama."""
        path = self.folder.joinpath("manifests", *parts(name))
        there = (one for one in self._all() if str(one).lower() == str(path).lower())
        return next(there, path)

    def _all(self) -> list[Path]:
        return sorted((self.folder / "manifests").glob("*/*/*/*"))

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / f"sha256-{digest.removeprefix('sha256:')}"

    def put(self, name: str, manifest: Line) -> None:
        file = self.manifest(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(manifest, sort_keys=True) + "\n")

    def known(self, name: str) -> Line:
        """The manifest; raises RefusalError where there is none."""
        file = self.manifest(name)
        if not file.exists():
            raise RefusalError(f"model '{name}' not found", 404)
        return dict(json.loads(file.read_text()))

    def tags(self) -> list[Line]:
        found = []
        for file in self._all():
            host, owner, name, tag = file.parts[-4:]
            short = "/".join([*([host, owner] if host != HOST else []), name])
            if host == HOST and owner != "library":
                short = f"{owner}/{name}"
            size = sum(one["size"] for one in json.loads(file.read_text())["layers"])
            one = {"name": f"{short}:{tag}", "model": f"{short}:{tag}", "size": size}
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            found.append({**one, "digest": digest, "details": {"format": "gguf"}})
        return found

    def remove(self, name: str) -> None:
        layers = self.known(name)["layers"]
        self.manifest(name).unlink()
        used = {one["digest"] for f in self._all() for one in json.loads(f.read_text())["layers"]}
        for layer in layers:
            if layer["digest"] not in used:
                self.blob(layer["digest"]).unlink(missing_ok=True)

    def pull(self, name: str) -> Iterator[Line]:
        """Its lines of progress. Raises RefusalError; ends early where it is cut off."""
        _host, owner, model, tag = parts(name)
        base = f"{self.library}/v2/{owner}/{model}"
        yield {"status": "pulling manifest"}
        try:
            with urllib.request.urlopen(f"{base}/manifests/{tag}", timeout=10) as answer:
                manifest = json.load(answer)
        except urllib.error.URLError:
            raise RefusalError("pull model manifest: file does not exist") from None
        fault = manifest.pop("fault", {})
        for layer in manifest["layers"]:
            if fault.get("error"):
                raise RefusalError(fault["error"])
            yield from self._layer(f"{base}/blobs/{layer['digest']}", layer, fault)
            if fault.get("cut") and not self.blob(layer["digest"]).exists():
                return
        yield {"status": "verifying sha256 digest"}
        for layer in manifest["layers"]:
            if f"sha256:{sum_of(self.blob(layer['digest']))}" != layer["digest"]:
                self.blob(layer["digest"]).unlink()
                raise RefusalError("digest mismatch, file must be downloaded again")
        yield {"status": "writing manifest"}
        self.put(name, manifest)
        yield {"status": "success"}

    def _layer(self, url: str, layer: Line, fault: Line) -> Iterator[Line]:
        digest, total = layer["digest"], layer["size"]
        line = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
        file = self.blob(digest)
        partial = file.with_name(f"{file.name}-partial")
        if file.exists():
            yield {**line, "completed": total}
            return
        here = partial.stat().st_size if partial.exists() else 0
        yield {**line, "completed": here} if here else line
        if fault.get("cut") and not here:
            partial.write_bytes(bytes(total // 2))
            return
        end = time.monotonic() + fault.get("stall", 0)
        while time.monotonic() < end:
            yield {**line, "completed": here}
            time.sleep(0.06)  # as often as Ollama says how far it is
        try:
            with urllib.request.urlopen(url, timeout=10) as answer, partial.open("wb") as out:
                while piece := answer.read(1 << 22):
                    out.write(piece)
                    yield {**line, "completed": out.tell()}
                    time.sleep(fault.get("slow", 0))
        except urllib.error.URLError as problem:
            raise RefusalError(f"max retries exceeded: {problem.reason}") from None
        except OSError as problem:  # a full disk
            raise RefusalError(f"write {partial}: {str(problem.strerror).lower()}") from None
        partial.rename(file)

    def create(self, asked: Line) -> Iterator[Line]:
        """Its lines of progress. Raises RefusalError, with a status before the first of them."""
        files = asked.get("files") or {}
        if asked.get("from"):
            layers = list(self.known(asked["from"])["layers"])
            yield {"status": "reading model metadata"}
        elif files:
            layers = []
        else:
            raise RefusalError("neither 'from' or 'files' was specified", 400)
        for digest in [*files.values(), *(asked.get("adapters") or {}).values()]:
            blob = self.blob(digest)
            if not blob.exists():
                raise RefusalError(f"blob {digest} not found", 400)
            with blob.open("rb") as stream:
                if stream.read(4) != b"GGUF":
                    raise RefusalError("unknown type", 400)
            size = blob.stat().st_size
            layers.append({"mediaType": KINDS[True], "digest": digest, "size": size})
            yield {"status": "parsing GGUF"}
        keep = ("system", "parameters", "template", "messages", "license")
        yield {"status": "writing manifest"}
        self.put(asked["model"], {"layers": layers, "config": {k: asked.get(k) for k in keep}})
        yield {"status": "success"}
