"""add_provider.yml with a provider that needs no installation: how long until its name answers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from on_lab import Figure, figure, gateway, start_up, tell, times_start_up
from tools.gateway_under_test import KEYS, MASTER, PORT, USER
from tools.lab_hosts import ROOT, ansible_environment

PROVIDER = """
providers:
  {name}: {{type: openai_compatible, base_url: "http://{host}:{port}", models: [{model}]}}
"""
ASKED = 10.0  # a second: so often the new name is tried


def run() -> dict[str, Figure]:
    """From the start of ansible-playbook to the first public answer of the new name."""
    ours = gateway()
    folder, file = ours.folder / "registry", ours.folder / "two.yaml"
    folder.mkdir()
    host = ours.backend.address
    (folder / "one.yaml").write_text(PROVIDER.format(name="one", host=host, port=7101, model="a"))
    file.write_text(PROVIDER.format(name="two", host=host, port=7102, model="added"))
    play("site.yml", "-e", f"llm_registry={folder}")
    floor = start_up()
    with ours.load(rate=ASKED, model="added") as load:
        began = time.monotonic()
        play("add_provider.yml", "-e", f"llm_registry={folder}", "-e", f"file={file}")
        seconds = load.first(began).first - began
    tell("the new name, tried until it answers", load.report(), seconds=round(seconds, 2))
    return {
        "add_provider_s": figure(seconds, "s", floor),
        "add_provider_ratio": times_start_up(seconds, floor),
    }


def play(playbook: str, *words: str) -> None:
    """A playbook of ours, for the gateway under test instead of the lab's own."""
    argv = ["ansible-playbook", str(Path(ROOT, "playbooks", playbook)), *words]
    argv += ["-e", f"user_service_user={USER}", "-e", f"gateway_port={PORT}"]
    given = ansible_environment(LITELLM_MASTER_KEY=MASTER, GWTEST_KEY=KEYS[0])
    done = subprocess.run(argv, cwd=ROOT, env=given, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
