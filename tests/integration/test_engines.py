# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All engines from one registry: brought up by one run, asked through the gateway, removed again.

llama.cpp is real, twice on one host. What is in Ollama's archive is a stand-in, which is labelled
so; its model is real. vLLM is real and on the CPU, and takes gigabytes: a night's work.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labkit.artifacts import served_folder
from test_vllm import hosts, real  # noqa: F401 - its fixtures
from tools.lab_hosts import Host, the_lab
from tools.ollama_stand_in_models import offer

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

Play = Callable[..., subprocess.CompletedProcess[str]]
LAB = the_lab()
GATEWAY = f"http://{LAB.addresses['gateway1']}:4000"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SOURCE = f"{{url: 'http://{LAB.mirror}/models/{FILE}', sha256: {SHA256}}}"
PARTS = {
    "left": f"""
  left:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8191, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: left-model, source: {SOURCE}}}]
""",
    "right": f"""
  right:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 8192, options: {{ctx_size: 1024, threads: 1}}}}
    models: [{{name: right-model, source: {SOURCE}}}]
""",
    "ollama1": f"""
  ollama1:
    type: ollama
    deploy:
      hosts: backend2
      gpus: []
      options: {{keep_alive: 1h}}
      environment: {{STAND_IN_LIBRARY: "http://{LAB.mirror}/ollama-library"}}
    models:
      - {{name: "smollm2:135m", source: {{ollama: "smollm2:135m"}}}}
      - name: brief
        source:
          ollama: "smollm2:135m"
          modelfile: {{system: You are a helpful assistant., parameters: {{num_ctx: 1024}}}}
      - {{name: from-a-file, source: {SOURCE}}}
      - {{name: vectors, mode: embedding, source: {{ollama: "smollm2:135m"}}}}
""",
    "cpu_vllm": """
  cpu_vllm:
    type: vllm
    deploy:
      hosts: backend2
      port: 18000
      gpus: []
      options: {enforce_eager: true, max_num_seqs: 4}
    env_var: CPU_VLLM_KEY
    models: [{name: smollm2-hf, context_length: 2048, source: {path: /var/lib/smollm2}}]
""",
}
CHATS = {
    "left": ["left-model"],
    "right": ["right-model"],
    "ollama1": ["smollm2:135m", "brief", "from-a-file"],
    "cpu_vllm": ["smollm2-hf"],
}
OF_ENGINE = {"right": "llama", "ollama1": "ollama", "cpu_vllm": "vllm"}
HOST_OF = {"right": "backend1", "ollama1": "backend2", "cpu_vllm": "backend2"}


def registry_of(folder: Path, *providers: str) -> Path:
    folder.mkdir(exist_ok=True)
    text = "providers:" + "".join(PARTS[name] for name in providers)
    (folder / "own.yaml").write_text(text)
    served = served_folder(LAB)
    offer(served / "ollama-library", "smollm2:135m", served / "models" / FILE)
    return folder


def ask(path: str, body: dict[str, Any] | None = None) -> bytes:
    """What the gateway says to somebody who has its key."""
    secret = Host("gateway1").on("cat /var/lib/llm/gateway/secrets.env")
    key = re.search(r'LITELLM_MASTER_KEY="(.*)"', secret)[1]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{GATEWAY}{path}", data, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=180) as answer:
        return answer.read()


def chat(model: str, **more: Any) -> bytes:
    messages = [{"role": "system", "content": "You are a helpful assistant."}]
    messages.append({"role": "user", "content": "What is the capital of France?"})
    body = {"model": model, "messages": messages, "max_tokens": 16, "temperature": 0, **more}
    return ask("/v1/chat/completions", body)


def all_answer(*providers: str) -> None:
    for model in (model for name in providers for model in CHATS[name]):
        said = json.loads(chat(model))["choices"][0]["message"]["content"]
        assert "Paris" in said, model
        lines = [line for line in chat(model, stream=True).splitlines() if line]
        assert lines[-1] == b"data: [DONE]", model
        assert len(lines) > 3, model
    if "ollama1" in providers:
        rows = json.loads(ask("/v1/embeddings", {"model": "vectors", "input": ["a", "b"]}))["data"]
        assert [len(row["embedding"]) for row in rows] == [576, 576]


def names() -> set[str]:
    return {one["id"] for one in json.loads(ask("/v1/models"))["data"]}


def without_a_change(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout
    assert not re.search(r"changed=[1-9]", done.stdout), done.stdout
    assert "changed" not in re.sub(r"changed=0", "", done.stdout), done.stdout


def goes(play: Play, words: list[str], provider: str) -> None:
    """It leaves no unit, file or route; the others answer on."""
    gone = ("-e", f"provider={provider}", "-e", "models=true", "-e", "engines=true")
    done = play("remove_provider.yml", *words, *gone, timeout=900)
    assert done.returncode == 0, done.stdout
    host, word = Host(HOST_OF[provider]), OF_ENGINE[provider]
    left = host.on(f"find /var/lib/llm/.config -name '*{provider}*' 2>/dev/null; true")
    assert left == ""
    listed = f"systemctl --user -M llm@ list-unit-files --no-legend '*-{provider}.service'"
    assert host.on(f"{listed} || true") == ""
    assert host.on(f"ps axww -o user:9,args | grep '^llm ' | grep {provider} || true") == ""
    # The other instance still needs llama.cpp's release and model; vLLM's model was never ours.
    seen = f"find /var/lib/llm/{word} -type f -not -name .lock; true"
    files = "" if word == "llama" else host.on(seen)
    models = host.on("find /var/lib/llm/models -name '*.gguf'; true") if word == "ollama" else ""
    assert files + models == ""
    assert not names() & set(CHATS[provider])
    config = Host("gateway1").on("cat /var/lib/llm/gateway/current/config.yaml")
    assert provider not in config


def test_one_run_brings_llama_cpp_and_ollama_and_each_goes_without_a_trace(
    the_lab: object, play: Play, tmp_path: Path
) -> None:
    providers = ("left", "right", "ollama1")
    words = ["-e", f"llm_registry={registry_of(tmp_path / 'registry', *providers)}"]
    plan = play("plan.yml", *words, timeout=600)
    assert plan.returncode == 0, plan.stdout
    for said in ("ollama1: smollm2:135m is pulled", "ollama1: brief:latest is made from smollm2"):
        assert said in plan.stdout
    done = play("site.yml", *words, timeout=900)
    assert done.returncode == 0, done.stdout
    all_answer(*providers)
    without_a_change(play("site.yml", *words, timeout=900))
    assert "plan: no change" in play("plan.yml", *words, timeout=600).stdout
    for provider in ("ollama1", "right"):
        goes(play, words, provider)
    all_answer("left")


def test_one_run_brings_all_three_engines(
    play: Play, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    providers, with_vllm = tuple(PARTS), request.getfixturevalue("real")
    words = [*with_vllm, "-e", f"llm_registry={registry_of(tmp_path / 'registry', *providers)}"]
    done = play("site.yml", *words, timeout=1800)
    assert done.returncode == 0, done.stdout
    all_answer(*providers)
    without_a_change(play("site.yml", *words, timeout=900))
    for provider in ("cpu_vllm", "ollama1", "right"):
        goes(play, words, provider)
    all_answer("left")
