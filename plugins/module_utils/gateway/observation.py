# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on the gateway's host beside what was deployed there. Looks, and changes nothing."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..host.unit_files import told_apart
from ..host.user_manager import ManagerError
from . import history, venvs
from .asking import Asker
from .handover import SOCKET, UMBRELLA
from .install import digest, unit_wish
from .installed import CHANGE_UNIT, Installed
from .integrity import altered
from .manager import unit
from .secrets_file import MASTER_KEY

ANSWER_SECONDS = 20.0
PARAMS = (
    *("model", "api_base", "rpm", "tpm", "order", "weight", "num_retries", "timeout"),
    *("stream_timeout", "max_parallel_requests", "max_budget", "budget_duration", "tags"),
)
SETTINGS = ("fallbacks", "context_window_fallbacks", "num_retries", "routing_groups")
Found = dict[str, Any]


def observe(gateway: Installed, python: str) -> Found:
    """JSON-ready, without any secret. `current` is None, and alone, where nothing serves.

    `files`: what of the generation is another (see altered). `units`: [{unit, was, is}] texts, is
    None for one that is gone; `foreign`: paths of those that somebody else wrote. `states`: unit ->
    [active, enabled, needs a reload, drop-ins]. `serving`: numbers. `modes`: [{path, is, was}].
    `secrets`: whether a value is another. `program`, `venv`: what is wrong with it, in words.
    `process`: see _process. `config`, `probes`: what was deployed, or what is in its place.
    """
    store, current = gateway.store, gateway.store.current()
    if current is None:
        return {"current": None}
    manifest = store.manifest(current)
    texts = dict(store.units(current))
    wishes = [*gateway.units.wishes(texts), unit_wish(gateway, python)]
    ours, foreign = told_apart(wishes)
    return {
        "current": current,
        "at": manifest.at,
        "by": manifest.by,
        "files": list(altered(store.folder / str(current), manifest)),
        "units": [{"unit": c.wish.unit, "was": c.wish.content, "is": c.before} for c in ours],
        "foreign": foreign,
        **_systemd(gateway, current),
        "modes": modes(store.base, gateway.held.own(current)),
        "secrets": _values_differ(gateway, current),
        "program": _program(store.base),
        "venv": _venv(gateway, current),
        "process": _process(gateway, current),
        "config": store.text(current, history.CONFIG),
        "probes": _probes(gateway, current),
        "unconfirmed": store.outcome(current).get("unconfirmed", ""),
    }


def _probes(gateway: Installed, number: int) -> Found:
    with contextlib.suppress(ValueError):
        return gateway.store.probes(number)
    return {}  # damaged: that is told with the files


def _systemd(gateway: Installed, current: int) -> Found:
    names = [SOCKET, UMBRELLA, unit(current), CHANGE_UNIT]
    try:
        states = gateway.manager.states(names)
        serving = [one.number for one in gateway.manager.instances() if one.serves]
    except ManagerError as problem:
        return {"states": {}, "serving": [], "systemd": str(problem)}
    told = {}
    for name, state in states.items():
        own = [x for x in state.drop_in_paths.split() if "/.config/" in x]
        told[name] = [state.active_state, state.is_enabled, state.need_daemon_reload == "yes", own]
    return {"states": told, "serving": serving, "systemd": ""}


def modes(base: Path, *more: Path) -> list[dict[str, str]]:
    """Files with secrets that others may read."""
    found = []
    for path in (base / "secrets.env", base / "secrets.key", *more):
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                found.append({"path": str(path), "was": "0600", "is": f"{mode:04o}"})
    return found


def _values_differ(gateway: Installed, number: int) -> bool:
    """By the keyed hash: nobody learns which value it is, only that one is another."""
    manifest = gateway.store.manifest(number)
    values = gateway.held.values_of(number)
    names = manifest.variables
    return gateway.held.mark(values, names, create=False) != manifest.secrets


def _program(base: Path) -> str:
    link = base / "program"
    if not link.is_symlink():
        return "it is not there"
    folder = link.resolve()
    try:
        paths = sorted(folder.rglob("*.py"))
        files = {str(path.relative_to(folder)): path.read_text("utf-8") for path in paths}
    except (OSError, ValueError) as problem:
        return f"it cannot be read: {problem}"
    return "" if digest(files) == folder.name else "its files are not those of its version"


def _venv(gateway: Installed, number: int) -> str:
    """Its packages by their folders: what was installed into it by hand is another release."""
    manifest = gateway.store.manifest(number)
    folder = gateway.store.base / "venvs"
    lock_file = folder / f"{manifest.venv}.txt"
    if not venvs.is_whole(folder, manifest.venv) or not lock_file.exists():
        return "it is not there, or not whole"
    there = {path.name for path in (folder / manifest.venv).glob("lib/python*/site-packages/*")}
    releases = _releases(there)
    lock = lock_file.read_text("utf-8")
    # For other machines, a lock file may pin other releases of one package.
    wanted: dict[str, list[str]] = {}
    for name, version in history.pins(lock):
        wanted.setdefault(_plain(name), []).append(version)
    said = [
        f"{name} {releases[name]} in the place of {' or '.join(versions)}"
        for name, versions in sorted(wanted.items())
        if name in releases and releases[name] not in versions
    ]
    return ", ".join(said[:3])


def _releases(names: set[str]) -> dict[str, str]:
    infos = [name.removesuffix(".dist-info") for name in names if name.endswith(".dist-info")]
    return {_plain(one.partition("-")[0]): one.partition("-")[2] for one in infos}


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _process(gateway: Installed, number: int) -> Found:
    """{models, deployments, settings}: what the process itself says to have, or {error}."""
    key = gateway.held.values_of(number).get(MASTER_KEY, "")
    headers = {"Authorization": f"Bearer {key}"}
    asker = Asker(str(gateway.manager.private_socket(number)), headers, ANSWER_SECONDS)
    listing = asker.ask("/v1/models")
    if listing.status != 200:
        return {"error": listing.message()}
    info = _mapping(asker.ask("/v1/model/info").json())
    settings = _mapping(_mapping(asker.ask("/get/config/callbacks").json()).get("router_settings"))
    return {
        "models": [str(row["id"]) for row in _mapping(listing.json()).get("data", ())],
        "deployments": [_deployment(row) for row in info.get("data", ())],
        "settings": {name: settings[name] for name in SETTINGS if name in settings},
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _deployment(row: Mapping[str, Any]) -> Found:
    params = row.get("litellm_params") or {}
    return {
        "id": str((row.get("model_info") or {}).get("id", "")),
        "name": str(row.get("model_name", "")),
        "params": {key: params[key] for key in PARAMS if params.get(key) is not None},
    }


def ask_listings(listings: list[Found], values: Mapping[str, str]) -> list[Found]:
    """Each backend's own list of models: `listings` with `models` that it has, or `error`.

    Each has provider, host, url, kind (openai or ollama) and key_variable.
    """

    def ask(row: Found) -> Found:
        key = values.get(row.get("key_variable") or "", "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = Asker(row["url"], headers, ANSWER_SECONDS).ask("")
        if answer.status != 200:
            return {**row, "error": answer.message()}
        said = _mapping(answer.json())
        word, name = ("models", "name") if row["kind"] == "ollama" else ("data", "id")
        rows = said.get(word)
        if not isinstance(rows, list):
            return {**row, "error": "its answer is no list of models"}
        return {**row, "has": [str(x[name]) for x in rows if isinstance(x, dict) and name in x]}

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, listings))
