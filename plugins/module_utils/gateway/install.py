# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction program on the host: a copy of these modules, by the hash of what is in it."""

from __future__ import annotations

import ast
import compileall
import hashlib
import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..host import atomic
from ..host.unit_files import FileWish, changes
from ..host.units import render
from .installed import CHANGE_UNIT, NO_ROOM, Installed
from .sealed import STAGING, fill, remove, seal

ROOT = __package__.rpartition(".")[0]  # module_utils, or lab_llm where it is installed
PACKAGE = "lab_llm"
MAIN = f"import sys\n\nfrom {PACKAGE}.gateway.cli import main\n\nsys.exit(main())\n"


def sources() -> dict[str, str]:
    """Path -> text of the program: its command line and all that it imports, directly or not.

    For a module of Ansible's these are the files that travelled with it; who calls this must still
    be able to read them. What else a module has loaded makes no other program of it.
    """
    found = {"__main__.py": MAIN, f"{PACKAGE}/__init__.py": ""}
    to_read = ["gateway.cli"]
    while to_read:
        package, _dot, name = to_read.pop().partition(".")
        path = f"{PACKAGE}/{package}/{name}.py"
        if path not in found:
            loaded = importlib.import_module(f"{ROOT}.{package}.{name}")
            found[f"{PACKAGE}/{package}/__init__.py"] = ""
            loader = loaded.__spec__.loader if loaded.__spec__ else None
            found[path] = str(loader.get_source(loaded.__name__))  # type: ignore[union-attr]
            to_read += _imported(found[path], package)
    return dict(sorted(found.items()))


def _imported(text: str, package: str) -> list[str]:
    """The modules of ours, as `package.name`, that a module of this package imports."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [package] if node.level == 1 else []
            parts = [*base, *(node.module or "").split(".")]
            parts = [part for part in parts if part]
            ends = [[]] if len(parts) > 1 else [[alias.name] for alias in node.names]
            found += [".".join([*parts, *end]) for end in ends]
    return found


def is_installed(gateway: Installed, files: Mapping[str, str], python: str) -> bool:
    """Whether this version of the program is there, with its unit as systemd knows it."""
    link = gateway.store.base / "program"
    there = link.is_symlink() and link.readlink().name == digest(files)
    if not there or not is_whole(link, files) or changes([unit_wish(gateway, python)]):
        return False
    seen = gateway.manager.states([CHANGE_UNIT])[CHANGE_UNIT]
    return seen.is_enabled and seen.need_daemon_reload != "yes"


def install(gateway: Installed, files: Mapping[str, str], python: str) -> None:
    """Have this version of the program, and its unit, which runs at each boot. Only while
    `locked`."""
    folder, name = gateway.store.base / "programs", digest(files)
    folder.mkdir(mode=0o700, exist_ok=True)
    place(folder, name, files)
    atomic.link(gateway.store.base / "program", f"programs/{name}")
    for old in folder.iterdir():
        if old.name != name:
            remove(old)
    for change in changes([unit_wish(gateway, python)]):
        change.apply()
    gateway.manager.reload()
    gateway.manager.do("enable", CHANGE_UNIT)


def is_whole(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether nobody has changed what was written there."""
    try:
        return all((folder / name).read_text("utf-8") == text for name, text in files.items())
    except (OSError, ValueError):
        return False


def digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]


def place(folder: Path, name: str, files: Mapping[str, str]) -> None:
    """The version's folder, there whole or not at all."""
    if (folder / name).exists():
        if is_whole(folder / name, files):
            return
        remove(folder / name)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=folder))
    try:
        fill(staging, files)
        compileall.compile_dir(staging, quiet=2)  # once, and not at every start
        seal(staging)
        staging.rename(folder / name)
    except BaseException:
        remove(staging)
        raise


def unit_wish(gateway: Installed, python: str) -> FileWish:
    return FileWish(gateway.manager.units / CHANGE_UNIT, unit(python), CHANGE_UNIT)


def unit(python: str) -> str:
    """litellm-change.service: does what change.json says, and takes it up again after a crash."""
    start = f":{python} -s %h/gateway/program run"
    return render(
        {
            "Unit": {
                "Description": "Changes of the LLM gateway: carries one out, or back",
                "StartLimitIntervalSec": 120,
                "StartLimitBurst": 5,
            },
            "Service": {
                "Type": "exec",
                "Restart": "on-failure",
                "RestartSec": 1,
                "RestartPreventExitStatus": NO_ROOM,
            },
            "Install": {"WantedBy": "default.target"},
        }
    ).replace("[Service]\n", f"[Service]\nExecStart={start}\nUMask=0077\n")
