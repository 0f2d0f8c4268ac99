# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The models of Ollama's instances: pulled, made, given names and removed, as they are declared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic import write
from .ollama_api import Api, BrokenOffError, OllamaError, key, whole
from .ollama_progress import Progress, free_in, mb, no_room

NOTE = "lab-llm-models.json"
TRIES = 4
Held = dict[str, tuple[str, int]]


@dataclass
class Instance:
    """One instance under way: what it holds, what we remember, what was done."""

    provider: str
    api: Api
    store: Path
    held: Held
    note: dict[str, dict[str, str]]
    check: bool
    done: list[str] = field(default_factory=list)

    def digest(self, name: str) -> str:
        return self.held.get(key(name), ("", 0))[0]

    def did(self, name: str, verb: str, rest: str = "") -> None:
        """In words what was done, or with `check` what would be."""
        said = f"{name} is {verb}" if self.check else f"{verb} {name}"
        self.done.append(f"{said}{rest}")


def ensure(
    instances: Sequence[Mapping[str, Any]], given: Mapping[str, Any], check: bool
) -> dict[str, Any]:
    """{changed, instances, diff} or {failed, msg}, JSON-ready.

    `instances`: [{provider, base, store, runs, models: [{name, tag, file, modelfile, adapters}]}];
    `given`: stall_timeout (seconds) and remove (whether models of ours that are declared no more
    go). An instance that waits for its turn in a slot is left as it is, as only it itself could
    pull; what it `lacks` is told.
    """
    shown: dict[str, Any] = {}
    before, after = [], []
    problems = []
    # A store may be shared: then what one of its instances declares is no leftover of another's.
    declared: dict[str, set[str]] = {}
    for one in instances:
        declared.setdefault(one["store"], set()).update(key(m["name"]) for m in one["models"])
    for one in instances:
        if not one["runs"]:
            held = on_disk(Path(one["store"]))
            lacks = [m["name"] for m in one["models"] if key(m["name"]) not in held]
            shown[one["provider"]] = {"waits": True, "done": [], "leftover": [], "lacks": lacks}
            continue
        try:
            state = _open(one, given, check)
            before += _told(one, state)
            left = _settle(one, state, declared[one["store"]], bool(given["remove"]))
            after += _told(one, state)
            told = {"done": state.done, "leftover": left, "lacks": []}
            shown[one["provider"]] = {"waits": False, **told}
        except (OllamaError, OSError) as problem:
            problems.append(f"provider {one['provider']}: {problem}")
    diff = {"before": "".join(before), "after": "".join(after)}
    changed = any(one["done"] for one in shown.values())
    result = {"changed": changed, "instances": shown, "diff": diff if changed else {}}
    return {**result, "failed": True, "msg": "; ".join(problems)} if problems else result


def _open(one: Mapping[str, Any], given: Mapping[str, Any], check: bool) -> Instance:
    api, store = Api(one["base"], float(given["stall_timeout"])), Path(one["store"])
    try:
        held = api.digests()
    except OllamaError:
        if not check:
            raise
        held = on_disk(store)  # before its first start there is nobody to ask
    note = _read(store)
    known = note if isinstance(note, dict) else {}
    return Instance(one["provider"], api, store, held, known, check)


def on_disk(store: Path) -> Held:
    """What the store holds, without asking: a model's digest is the sum of its manifest."""
    found: Held = {}
    for file in (store / "manifests").glob("*/*/*/*"):
        registry, owner, name, tag = file.parts[-4:]
        found[key(f"{registry}/{owner}/{name}:{tag}")] = (
            hashlib.sha256(file.read_bytes()).hexdigest(),
            0,
        )
    return found


def _settle(one: Mapping[str, Any], state: Instance, declared: set[str], remove: bool) -> list[str]:
    """Bring the models about; returns the names of ours that are declared no more and stay."""
    try:
        for model in one["models"]:
            _model(model, state)
    except OllamaError:
        _remember(state, declared)
        raise
    gone = sorted(name for name in state.note if name not in declared and name in state.held)
    for name in gone if remove else ():
        if not state.check:
            state.api.delete(name)
        state.held.pop(name)
        state.did(name, "removed")
    _remember(state, declared)
    if not state.check:
        missing = sorted({key(m["name"]) for m in one["models"]} - set(state.api.digests()))
        if missing:
            raise OllamaError(f"/api/tags does not list {', '.join(missing)}")
    return [] if remove else gone


def _remember(state: Instance, declared: set[str]) -> None:
    kept = {k: v for k, v in state.note.items() if k in declared or k in state.held}
    if not state.check and kept != _read(state.store):
        text = json.dumps(kept, indent=2, sort_keys=True) + "\n"
        write(state.store / NOTE, text.encode(), 0o600)


def _read(store: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return json.loads((store / NOTE).read_text())
    except (OSError, ValueError):
        return {}


def _model(model: Mapping[str, Any], state: Instance) -> None:
    name, tag = whole(model["name"]), model.get("tag") or ""
    files = [file for file in (model.get("file"), *(model.get("adapters") or ())) if file]
    made = bool(files or model.get("modelfile"))
    print_of = _fingerprint(model, files)
    if tag and not state.digest(tag):
        _pull(tag, state)
    base = state.digest(tag) if tag else ""
    known = state.note.get(key(name), {})
    if made or key(tag) != key(name):
        same = known.get("wish") == print_of and known.get("base", "") == base
        there = bool(state.digest(name)) and known.get("digest") == state.digest(name)
        if not (same and there) and not (not made and base and state.digest(name) == base):
            _make(model, name, tag, state) if made else _alias(name, tag, state)
    state.note[key(name)] = {"wish": print_of, "base": base, "digest": state.digest(name)}


def _fingerprint(model: Mapping[str, Any], files: Sequence[str]) -> str:
    """Of what is declared. Our files are named by their sums; of others the times count."""
    marks = []
    for file in files:
        path = Path(file)
        about = path.stat() if path.exists() else None
        marks.append([file, about.st_size, about.st_mtime_ns] if about else [file])
    text = json.dumps([model.get("tag") or "", model.get("modelfile") or {}, marks], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _pull(tag: str, state: Instance) -> None:
    size = 0
    if not state.check:
        with Progress(state.store, f"{state.provider}: pulling {tag}", tag) as progress:
            for left in range(TRIES - 1, -1, -1):
                try:
                    state.api.pull(tag, progress)
                    break
                except BrokenOffError:
                    if not left:
                        raise
        size = progress.size
        state.held = state.api.digests()
    state.did(tag, "pulled", f" ({mb(size)})" if size else "")
    if state.check:
        state.held[key(tag)] = ("to be pulled", 0)


def _alias(name: str, tag: str, state: Instance) -> None:
    if not state.check:
        state.api.copy(tag, name)
        state.held = state.api.digests()
    else:
        state.held[key(name)] = (state.digest(tag), 0)
    state.did(name, "made", f", another name of {tag}")


def _make(model: Mapping[str, Any], name: str, tag: str, state: Instance) -> None:
    if state.check:
        state.held[key(name)] = ("to be made", 0)
    else:
        asked = {"model": name, **(model.get("modelfile") or {})}
        if tag:
            asked["from"] = tag
        else:
            asked["files"] = dict(_given([model["file"]], state))
        if model.get("adapters"):
            asked["adapters"] = dict(_given(model["adapters"], state))
        with Progress(state.store, f"{state.provider}: making {name}", name) as progress:
            state.api.create(asked, progress)
        state.held = state.api.digests()
    state.did(name, "made", f" from {tag or Path(model['file']).name}")


def _given(files: Sequence[str], state: Instance) -> Iterator[tuple[str, str]]:
    """The files' names with their sums, once Ollama has what is in them."""
    for file in files:
        path = Path(file)
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if not state.api.has_blob(digest):
            size, free = path.stat().st_size, free_in(state.store)
            if size > free:
                raise no_room(state.store, f"{path.name} needs {mb(size)}", free)
            state.api.put_blob(digest, path)
        yield path.name, f"sha256:{digest}"


def _told(one: Mapping[str, Any], state: Instance) -> list[str]:
    return [f"{one['provider']}: {name} {d[0][:12]}\n" for name, d in sorted(state.held.items())]
