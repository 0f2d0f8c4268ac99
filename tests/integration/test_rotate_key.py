# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""rotate_key.yml: proven before it serves, nothing refused on the way, no value anywhere."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from tools.lab_hosts import Host, the_lab, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

Play = Callable[..., subprocess.CompletedProcess[str]]

LAB = the_lab()
ADDRESS = LAB.addresses["backend1"]
BASE, HELD = "/var/lib/llm/gateway", "/var/lib/llm/.config/lab-llm/llama-server-keyed.service.env"
OLD, NEW, OTHER = (f"canary-{word}-{secrets.token_hex(12)}" for word in ("old", "new", "other"))
REGISTRY = f"""
providers:
  keyed:
    type: llama_cpp
    env_var: LAB_KEY
    deploy: {{hosts: backend1, port: 8193, options: {{ctx_size: 1024, threads: 1}}}}
    models:
      - name: smollm2-135m
        source:
          url: http://{LAB.mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf
          sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  free:
    type: llama_cpp
    deploy: {{hosts: backend2, port: 8193, options: {{ctx_size: 1024, threads: 1}}}}
    models:
      - name: smollm2-free
        source:
          url: http://{LAB.mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf
          sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  # The same as if it were somebody else's: with a key of its own name.
  remote:
    type: openai_compatible
    base_url: http://{ADDRESS}:8193
    health_endpoint: /health
    env_var: REMOTE_KEY
    models: [remote-model]

exact_matches:
  asked: {{provider: keyed, fallback: free}}
"""


@pytest.fixture(scope="module")
def registry(the_lab: object, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry that is live, with a backend of ours that demands a key."""
    folder = tmp_path_factory.mktemp("registry")
    (folder / "lab.yaml").write_text(REGISTRY)
    keys = {"LAB_KEY": OLD, "REMOTE_KEY": OLD}
    done = play("site.yml", "-e", f"llm_registry={folder}", env=keys, timeout=900)
    assert done.returncode == 0, done.stdout
    return folder


def rotate(
    play: Play, registry: Path, name: str, *words: str, **env: str
) -> subprocess.CompletedProcess[str]:
    return play("rotate_key.yml", "-e", f"llm_registry={registry}", "-e", name, *words, env=env)


def held() -> dict[str, str]:
    """What the gateway holds, by variable."""
    text = Host("gateway1").on(f"cat {BASE}/secrets.env")
    return dict(re.findall(r'^([A-Z_]+)="(.*)"$', text, re.M))


def status(address: str, key: str, body: dict[str, object] | None = None) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    try:
        request = urllib.request.Request(address, data, headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def ask(key: str, model: str = "asked") -> int:
    asked = {"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "Hi"}]}
    address = f"http://{LAB.addresses['gateway1']}:4000/v1/chat/completions"
    return status(address, key, asked)


@pytest.fixture
def answers() -> Iterator[list[int]]:
    """The status of each of many requests, one after the other, while a test is at it."""
    found: list[int] = []
    key, over = held()["LITELLM_MASTER_KEY"], Event()

    def go_on() -> None:
        while not over.wait(0.2):
            found.append(ask(key))

    thread = Thread(target=go_on)
    thread.start()
    yield found
    over.set()
    thread.join()


def test_a_key_that_the_provider_refuses_does_not_serve(registry: Path, play: Play) -> None:
    before = Host("gateway1").on(f"cat {BASE}/secrets.env; readlink {BASE}/current")
    done = rotate(play, registry, "variable=REMOTE_KEY", REMOTE_KEY=OTHER)
    assert done.returncode != 0
    assert "did not prove itself" in done.stdout
    assert "The gateway goes on with the old value of REMOTE_KEY." in done.stdout
    assert OTHER not in done.stdout + done.stderr
    assert Host("gateway1").on(f"cat {BASE}/secrets.env; readlink {BASE}/current") == before
    assert Host("gateway1").on(f"grep -rls {OTHER} /var/lib/llm /tmp || true") == ""


def test_a_key_that_both_sides_need_is_rotated_without_a_failed_request(
    registry: Path, play: Play, answers: list[int]
) -> None:
    done = rotate(play, registry, "variable=LAB_KEY", "-vvv", "--diff", LAB_KEY=NEW)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said.replace(NEW, "NEW").replace(OLD, "OLD")[-3000:]
    assert "LAB_KEY has its new value, proven." in said
    assert "  asked: free" in said
    assert NEW not in said
    assert OLD not in said
    assert len(answers) > 10
    assert set(answers) == {200}
    models = f"http://{ADDRESS}:8193/v1/models"
    assert (status(models, NEW), status(models, OLD)) == (200, 401)
    assert (held()["LAB_KEY"], held()["REMOTE_KEY"]) == (NEW, OLD)


def test_a_key_that_somebody_else_demands_is_rotated(registry: Path, play: Play) -> None:
    """Its old one is refused since the test before."""
    assert ask(held()["LITELLM_MASTER_KEY"], "remote-model") == 401
    done = rotate(play, registry, "provider=remote", REMOTE_KEY=NEW)
    assert done.returncode == 0, done.stdout
    assert "REMOTE_KEY has its new value, proven." in done.stdout
    assert ask(held()["LITELLM_MASTER_KEY"], "remote-model") == 200


def test_the_old_value_is_nowhere_any_more(registry: Path) -> None:
    gateway, backend = Host("gateway1"), Host("backend1")
    assert OLD not in gateway.on(f"cat {BASE}/secrets.env")
    assert gateway.on(f"ls {BASE} | grep -c 'secrets-' || true") == "0"
    places = "/var/lib/llm /etc /run/user /var/log/journal /tmp"
    assert gateway.on(f"grep -rls --exclude=secrets.env -e {OLD} -e {NEW} {places} || true") == ""
    found = backend.on(f"grep -rls -e {OLD} -e {NEW} {places} || true")
    assert found.splitlines() == [HELD]
    processes = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    assert OLD not in gateway.on(processes) + backend.on(processes)
    # No process of the gateway's keeps the old one in its environment.
    user = "for p in $(pgrep -u llm -f worker); do cat /proc/$p/environ; done | grep -c -a"
    wait_for(lambda: gateway.on(f"({user} LAB_KEY={OLD}) || true") == "0", 60, "the old one ends")


def test_the_same_value_is_no_change(registry: Path, play: Play) -> None:
    gateway = Host("gateway1")
    before = gateway.on(f"readlink {BASE}/current")
    done = rotate(play, registry, "provider=keyed", LAB_KEY=held()["LAB_KEY"])
    assert done.returncode == 0, done.stdout
    assert "LAB_KEY has this value already: nothing was changed." in done.stdout
    assert gateway.on(f"readlink {BASE}/current") == before


def test_a_backend_that_does_not_take_it_leaves_the_old_key(registry: Path, play: Play) -> None:
    before = held()
    done = rotate(play, registry, "variable=LAB_KEY", "-e", "llama_cpp_version=none",
                  "-e", "llama_cpp_archive_sha256=", LAB_KEY=OTHER)  # fmt: skip
    assert done.returncode != 0
    assert "The gateway goes on with the old value of LAB_KEY." in done.stdout
    assert held() == before


def test_the_gateways_own_key_is_rotated(registry: Path, play: Play) -> None:
    old, new = held()["LITELLM_MASTER_KEY"], f"sk-{secrets.token_hex(16)}"
    done = rotate(play, registry, "variable=LITELLM_MASTER_KEY", LITELLM_MASTER_KEY=new)
    assert done.returncode == 0, done.stdout.replace(new, "NEW")
    assert "Clients need it from now on; the old one is refused." in done.stdout
    assert ask(new) == 200
    assert ask(old) in (400, 401)  # LiteLLM's own words for a key that it does not know


def test_what_cannot_be_told_is_said(registry: Path, play: Play) -> None:
    assert "Which key?" in play("rotate_key.yml").stdout
    limited = rotate(play, registry, "variable=LAB_KEY", "--limit", "localhost,gateway")
    assert "run it without --limit" in limited.stdout
    assert "Did you mean LAB_KEY?" in rotate(play, registry, "variable=LAB_KEI").stdout
    said = rotate(play, registry, "variable=LAB_KEY", LAB_KEY="").stdout
    assert "LAB_KEY has no new value" in said
