# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transaction program on the host: a copy of these modules, by the hash of what is in it."""

from __future__ import annotations

import compileall
import hashlib
import importlib
import sys
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
    """Path -> text of the program: all that its command line imports, as it is loaded right here.

    For a module of Ansible's these are the files that travelled with it; who calls this must still
    be able to read them.
    """
    importlib.import_module(f"{ROOT}.gateway.cli")
    found = {"__main__.py": MAIN, f"{PACKAGE}/__init__.py": ""}
    for package in ("host", "gateway"):
        found[f"{PACKAGE}/{package}/__init__.py"] = ""
        prefix = f"{ROOT}.{package}."
        for name, module in list(sys.modules.items()):
            loader = getattr(getattr(module, "__spec__", None), "loader", None)
            if name.startswith(prefix) and loader is not None:
                text = loader.get_source(name)
                found[f"{PACKAGE}/{package}/{name.removeprefix(prefix)}.py"] = text
    return dict(sorted(found.items()))


def is_installed(gateway: Installed, files: Mapping[str, str], python: str) -> bool:
    """Whether this version of the program is there, with its unit as systemd knows it."""
    link = gateway.store.base / "program"
    there = link.is_symlink() and link.readlink().name == digest(files)
    if not there or changes([unit_wish(gateway, python)]):
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


def digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]


def place(folder: Path, name: str, files: Mapping[str, str]) -> None:
    """The version's folder, there whole or not at all."""
    if (folder / name).exists():
        return
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
