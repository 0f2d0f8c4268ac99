# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""remove_provider.yml and adopt.yml: what goes, what stays, and in which order."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tools.lab_hosts import Host, ansible_environment, the_lab

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., subprocess.CompletedProcess[str]]

LAB = the_lab()
GATEWAY = f"http://{LAB.addresses['gateway1']}:4000"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
OWN = """\
# What we run ourselves.
providers:
  # stays
  stays:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8191, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: smollm2-135m, source: {{url: "{url}", sha256: {sha256}}}}}]

  # goes
  goes:
    type: llama_cpp
    deploy: {{hosts: backend2, port: 8192, options: {{ctx_size: 4096, threads: 1}}}}
    models: [{{name: smollm2-goes, source: {{url: "{url}", sha256: {sha256}}}}}]
"""
LIMITS = "rate_limit_settings:\n  limits:\n    goes: {rpm: 1000}\n    stays: {rpm: 1000}\n"
UNIT = "/var/lib/llm/.config/systemd/user/llama-server-goes.service"
MODELS = "find /var/lib/llm/models -name 'smollm2-goes*'"


@pytest.fixture
def registry(the_lab: object, play: Play, tmp_path: Path) -> Path:
    """A registry of its own that is live, with two providers."""
    folder = tmp_path / "registry"
    folder.mkdir()
    url = f"http://{LAB.mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    (folder / "own.yaml").write_text(OWN.format(url=url, sha256=SHA256))
    (folder / "limits.yaml").write_text(LIMITS)
    done = play("site.yml", "-e", f"llm_registry={folder}", timeout=900)
    assert done.returncode == 0, done.stdout
    return folder


def removal(play: Play, registry: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return play("remove_provider.yml", "-e", f"llm_registry={registry}", *words)


def state(registry: Path) -> tuple[object, ...]:
    """What must be the same where nothing was removed: registry, gateway, instance."""
    current = Host("gateway1").on("readlink /var/lib/llm/gateway/current")
    unit = Host("backend2").on(f"cat {UNIT}; systemctl --user -M llm@ is-active llama-server-goes")
    return current, unit, {path.name: path.read_text() for path in registry.iterdir()}


def stream(tokens: int) -> tuple[int, str]:
    """How many pieces a long answer of the one that goes has, and the last of them."""
    asked = {"model": "smollm2-goes", "stream": True, "max_tokens": tokens, "ignore_eos": True}
    asked["messages"] = [{"role": "user", "content": "Tell a long story."}]
    secret = Host("gateway1").on("cat /var/lib/llm/gateway/secrets.env")
    key = re.search(r'LITELLM_MASTER_KEY="(.*)"', secret)[1]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    address = f"{GATEWAY}/v1/chat/completions"
    request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
    with urllib.request.urlopen(request, timeout=600) as answer:
        pieces = [line for line in answer if line.startswith(b"data: ")]
    return len(pieces), pieces[-1].decode().strip()


def test_what_cannot_be_leaves_all_as_it_was(registry: Path, play: Play) -> None:
    before = state(registry)
    done = removal(play, registry, "-e", "provider=goess")
    assert "Did you mean 'goes'?" in done.stdout
    assert done.returncode != 0
    assert "Name it" in removal(play, registry).stdout
    limited = removal(play, registry, "-e", "provider=goes", "--limit", "localhost,backends")
    assert "run it without --limit" in limited.stdout

    names = registry / "names.yaml"
    names.write_text(
        "exact_matches:\n  a: {provider: goes}\n  b: {provider: stays, fallback: goes}\n"
    )
    done = removal(play, registry, "-e", "provider=goes")
    assert done.returncode != 0
    places = re.findall(r"names.yaml:(\d+:\d+): error\[still-referred\]", done.stdout)
    assert places == ["2:17", "3:34"]
    names.unlink()

    done = removal(play, registry, "-e", "provider=goes", "--check", "--diff")
    assert done.returncode == 0, done.stdout
    for gone in ("-- model_name: smollm2-goes", "-  goes:", "-    goes: {rpm: 1000}"):
        assert gone in done.stdout
    assert "Nothing was done, in check mode." in done.stdout

    # A gateway that does not take it: nothing else is touched.
    done = removal(play, registry, "-e", "provider=goes", "-e", "gateway_start_seconds=1")
    assert done.returncode != 0
    assert "the registry, the gateway and all instances are as before" in done.stdout
    assert state(registry) == before


def test_a_provider_goes_and_an_answer_that_it_has_begun_does_not_break(
    registry: Path, play: Play
) -> None:
    backend = Host("backend2")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(stream, 1200)
        done = removal(play, registry, "-e", "provider=goes")
        pieces, last = answer.result()
    assert done.returncode == 0, done.stdout
    assert last == "data: [DONE]"
    assert pieces > 1000
    assert "Nobody answers to: smollm2-goes." in done.stdout
    assert not backend.succeeds(f"test -e {UNIT}")
    assert not backend.succeeds("pgrep -u llm -f smollm2-goes")
    assert backend.on(MODELS) != ""
    assert "smollm2-goes" not in Host("gateway1").on("cat /var/lib/llm/gateway/current/config.yaml")
    own, limits = (registry / "own.yaml").read_text(), (registry / "limits.yaml").read_text()
    assert "goes" not in own + limits
    assert own.startswith("# What we run ourselves.\nproviders:\n  # stays\n  stays:\n")
    assert limits == LIMITS.replace("    goes: {rpm: 1000}\n", "")
    assert removal(play, registry, "-e", "provider=goes").returncode != 0


def test_its_model_goes_where_that_is_wished(registry: Path, play: Play) -> None:
    backend = Host("backend2")
    done = removal(play, registry, "-e", "provider=goes", "-e", "models=true", "-e", "engines=true")
    assert done.returncode == 0, done.stdout
    assert backend.on(MODELS) == ""
    assert backend.on("ls -A /var/lib/llm/llama.cpp") == ""
    assert Host("backend1").on("ls -A /var/lib/llm/llama.cpp") != ""


def test_a_host_that_is_not_reached_is_told_with_how_to_end_it(
    registry: Path, play: Play, tmp_path: Path
) -> None:
    away = tmp_path / "away.yml"
    away.write_text("all: {hosts: {backend2: {ansible_port: 9}}}\n")
    inventory = ansible_environment().get("ANSIBLE_INVENTORY", "inventories/demo/hosts.yml")
    given = [word for file in inventory.split(",") for word in ("-i", file)]
    done = removal(play, registry, "-e", "provider=goes", *given, "-i", str(away))
    assert done.returncode != 0
    assert "llama-server-goes.service may still be on backend2" in done.stdout
    assert "goes" not in (registry / "own.yaml").read_text()
    assert Host("backend2").succeeds(f"test -e {UNIT}")
    command = next(line for line in done.stdout.splitlines() if "ansible backend2" in line)
    words = shlex.split(command)
    subprocess.run(words, check=True, cwd=ROOT, env=ansible_environment(), capture_output=True)
    assert not Host("backend2").succeeds(f"test -e {UNIT}")


def test_what_a_lost_controller_was_adding_is_adopted(
    registry: Path, play: Play, tmp_path: Path
) -> None:
    text = "# as it was written\r\nproviders:\r\n"
    text += (
        f"  late: {{type: openai_compatible, base_url: 'http://{LAB.addresses['backend1']}:8191',"
    )
    text += " health_endpoint: /health, models: [smollm2-135m]}\r\n"
    file = tmp_path / "late.yaml"
    file.write_bytes(text.encode())
    here = ("-e", f"llm_registry={registry}")
    done = play("../tests/integration/plays/lost.yml", *here, "-e", f"file={file}")
    assert done.returncode == 0, done.stdout
    done = play("site.yml", *here)
    assert done.returncode != 0
    assert "late.yaml" in done.stdout
    assert "playbooks/adopt.yml" in done.stdout
    done = play("adopt.yml", *here)
    assert done.returncode == 0, done.stdout
    assert "The registry holds late.yaml now." in done.stdout
    assert (registry / "late.yaml").read_bytes() == text.encode()
    assert "nothing that the registry does not hold" in play("adopt.yml", *here).stdout
    done = play("site.yml", *here)
    assert done.returncode == 0, done.stdout
    assert "changed" not in done.stdout
