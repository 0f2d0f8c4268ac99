# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change asks of a generation that costs nobody anything."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.evidence import Evidence
from ansible_collections.lab.llm.plugins.module_utils.gateway.generation import Store

LISTED = b'{"data": [{"id": "m"}, {"id": "w/llama2"}]}'  # as LiteLLM lists w/* of an Ollama


class Lists(BaseHTTPRequestHandler):
    """A gateway that lists its names, and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(LISTED)))
        self.end_headers()
        self.wfile.write(LISTED)

    def log_message(self, *_words: Any) -> None:
        """Says nothing."""


@pytest.mark.parametrize(("wildcards", "ok"), [(["w/*"], True), ([], False)])
def test_names_in_place_of_a_wildcard_are_declared_from_outside_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wildcards: list[str], ok: bool
) -> None:
    probes = {"models": ["m"], "wildcards": wildcards, "completions": [{"route": "m"}]}
    monkeypatch.setattr(Store, "probes", lambda _store, _number: probes)
    server = HTTPServer(("127.0.0.1", 0), Lists)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        where = f"http://127.0.0.1:{server.server_port}"
        journal: Any = SimpleNamespace(options={"address": where}, before=None, number=1, kind="")
        manager = SimpleNamespace(private_socket=lambda _number: tmp_path / "none")
        gateway: Any = SimpleNamespace(manager=manager, store=Store(tmp_path))
        proof = Evidence(gateway, journal).ask(1, private=False, only_names=True)
    finally:
        server.shutdown()
    assert proof.ok is ok, proof.lines
    assert [row["check"] for row in proof.checks] == ["models"]
