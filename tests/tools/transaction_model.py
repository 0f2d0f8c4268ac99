# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A gateway on the model of a host: whole changes without systemd and without LiteLLM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway import (
    change_journal,
    secrets_file,
    submit,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store
from ansible_collections.lab.llm.plugins.module_utils.gateway.handover import (
    Handover,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.held import Held
from ansible_collections.lab.llm.plugins.module_utils.gateway.installed import Installed
from ansible_collections.lab.llm.plugins.module_utils.gateway.proof import Proven
from ansible_collections.lab.llm.plugins.module_utils.gateway.staging import Wanted
from ansible_collections.lab.llm.plugins.module_utils.gateway.transaction import Transaction
from ansible_collections.lab.llm.plugins.module_utils.gateway.unit_set import UnitSet
from ansible_collections.lab.llm.plugins.module_utils.host import atomic
from ansible_collections.lab.llm.plugins.module_utils.host.units import HEADER
from tools.gateway_model import Host, Manager

GATEWAY = "ansible_collections.lab.llm.plugins.module_utils.gateway"
OPTIONS = {"keep": 10, "start_seconds": 1, "answer_seconds": 1}


class Model(Installed):
    """The gateway on the model of a host."""

    def __init__(self, base: Path) -> None:
        self.store = Store(base)
        self.host = Host(self.store, wants_candidate=True, program=self.program)
        self.manager: Any = Manager(self.host)
        self.handover = Handover(self.store, self.manager, 0.1)
        self.held, self.units = Held(self.store), UnitSet(self.manager)
        self.boots = 1
        self.bad: dict[str, set[int]] = {"private": set(), "public": set(), "live": set()}

    def boot(self) -> str:
        return str(self.boots)

    def program(self) -> None:
        """What systemd runs."""
        journal = change_journal.read(self.store.base)
        if journal is not None and not journal.over:
            Transaction(self, journal).run()

    def reboot(self) -> None:
        """All processes are gone; systemd starts what is current, then the program."""
        self.boots += 1
        self.host.states.clear()
        if (current := self.store.current()) is not None:
            self.host.start(current)
        self.program()

    def deploy(
        self, text: str, key: str = "old", port: int = 4000, address: str = "", **more: Any
    ) -> dict[str, Any]:
        units = {"litellm.socket": f"{HEADER}\n[Socket]\nListenStream=127.0.0.1:{port}\n"}
        wanted = {"variables": ("A",), "given": {"A": key}, "by": "me", **more}
        files = {"config.yaml": text, **wanted.pop("files", {})}
        options, venv = {**OPTIONS, "address": address}, wanted.pop("venv", "venv")
        return submit.deploy(self, Wanted(files, venv, units, **wanted), options)

    def key(self) -> str:
        return self.held.values()["A"]

    def outcome(self, number: int) -> str:
        return str(self.store.outcome(number).get("outcome", ""))

    def is_tidy(self) -> bool:
        """Nothing of a change is left."""
        own = list(self.store.base.glob("secrets-*.env"))
        journal = change_journal.read(self.store.base)
        return (own, self.store.candidate(), journal is None or journal.over) == ([], None, True)


def modelled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A gateway on the model, with a venv, whose generations answer as they are told to."""
    monkeypatch.setattr(f"{GATEWAY}.handover.LOOK_SECONDS", 0.1)
    model = Model(folder / "gateway")
    venv = model.store.base / "venvs" / "venv"
    venv.mkdir(parents=True)
    (venv / "lab-llm.json").write_text("{}")

    def ask(_evidence: Evidence, number: int, *, private: bool, **_more: bool) -> Proven:
        bad = number in model.bad["private" if private else "public"]
        rows = [{"check": "m", "ok": not bad}]
        return Proven(not bad, rows, rows if bad else [], ["❌ m" if bad else "✅ m"])

    monkeypatch.setattr(Evidence, "ask", ask)
    return model


def cut_at_writes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes count as steps too: the cable may be pulled before each."""
    for name in "write", "link":
        real = getattr(atomic, name)

        def stepping(*words: Any, real: Any = real) -> None:
            model.host.step()
            real(*words)

        monkeypatch.setattr(atomic, name, stepping)
        if name == "write":
            monkeypatch.setattr(secrets_file, "write", stepping)
