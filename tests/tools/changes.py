"""Changes in a row, as a lab sees them in a month: adds, removes, rollbacks, another LiteLLM."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from .gateway_under_test import Gateway
from .lab_hosts import ROOT

LOCK = ROOT / "roles/gateway/files/litellm.txt"
OLDER = Path(__file__).with_name("older_litellm.txt")  # what differs in the release before
STANZA = re.compile(r"^(litellm[\w-]*)==[^\n]*\\\n(?:    --hash=\S+ ?\\?\n)+", re.MULTILINE)
TWENTY = (
    "add", "add", "rollback", "add", "remove", "upgrade", "rollback", "upgrade", "add", "add",
    "rollback", "rollback", "add", "remove", "add", "rollback", "add", "remove", "remove", "add",
)  # fmt: skip


def older_lock(folder: Path) -> Path:
    """Our lock file with the LiteLLM of the release before it."""
    older = {found[1]: found[0] for found in STANZA.finditer(OLDER.read_text())}
    text = STANZA.sub(lambda found: older.get(found[1], found[0]), LOCK.read_text())
    path = folder / "older.txt"
    path.write_text(text)
    return path


class Changes:
    """What is served, and how to get to the next."""

    def __init__(self, gateway: Gateway, workers: int) -> None:
        self.gateway, self.workers, self.names, self.done = gateway, workers, 0, 0
        self.lock = older_lock(gateway.folder)

    def prepare(self) -> None:
        """Both LiteLLMs installed, two generations to go back to, and the older one serves."""
        for lock in (LOCK, self.lock, self.lock):
            self.lock = lock
            self.deploy()

    def make(self, kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Each of these changes; yields what it was and the mark that answers from then on."""
        for kind in kinds:
            before = self.gateway.mark()
            if kind == "rollback":
                self.play(self.gateway.config(before), "-e", "entry=rollback")
            else:
                self.lock = LOCK if kind == "upgrade" else self.lock
                self.names += {"add": 1, "remove": -1}.get(kind, 0)
                self.deploy()
            after = self.gateway.mark()
            assert after != before, kind
            yield kind, after

    def deploy(self) -> None:
        self.done += 1
        mark = f"w{self.workers}c{self.done}"
        names = [f"c{number}" for number in range(max(self.names, 0))]
        upstream = f"http://{self.gateway.backend.address}:7101/v1"
        models = "\n".join(
            f'- {{model_name: {name}, litellm_params: {{model: openai/m, api_base: "{upstream}",'
            f' api_key: none}}, model_info: {{id: "~{name}@{mark}/m"}}}}'
            for name in names
        )
        more = json.dumps({"more_models": names, "gateway_workers": self.workers})
        text = self.gateway.config(mark, models=models)
        self.play(text, "-e", f"gateway_lock_file={self.lock}", "-e", more)

    def play(self, text: str, *words: str) -> None:
        status, _, said = self.gateway.change(text, *words)
        assert status == 0, said[-4000:]
