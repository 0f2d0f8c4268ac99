"""Many hosts at once: containers as in tests/lab, a stand-in for llama-server on each.

`with fleet(50) as hosts:` starts them, the first hosts of an earlier fleet again as they were; the
gateway among them has the real LiteLLM. All of it is removed in the end.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import json
import os
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tests/tools"
sys.path.insert(0, str(ROOT / "tests/lab"))

from labkit import access, commands, hosts, machine  # noqa: E402
from labkit.artifacts import ensure_artifacts  # noqa: E402
from labkit.guest import ensure_keys  # noqa: E402
from labkit.image import ensure_image  # noqa: E402
from labkit.settings import LOGIN, Lab, lab_from_environment  # noqa: E402
from labkit.shell import as_root  # noqa: E402

GATEWAY = "gateway1"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Each host's systemd watches files, and the machine's root may have only so many watchers.
WATCHERS, WATCHERS_A_HOST = Path("/proc/sys/fs/inotify/max_user_instances"), 12
SUBNET = os.environ.get("LAB_LLM_FLEET_SUBNET", "10.89.29.0/24")
STUB = "/usr/local/bin/llama-server-stand-in"
UPSTREAM = "/usr/local/lib/llama-stand-in/upstream.py"
INSTALL = f"""set -e
install -d {Path(UPSTREAM).parent} /srv/models
tar -xf - -C /
chmod 755 {STUB}
echo 'a stand-in for a model' > /srv/models/stand-in.gguf
"""


@dataclass(frozen=True)
class FleetLab(Lab):
    """A gateway and `count` hosts gpu01, gpu02 ..."""

    count: int = 0

    @property
    def names(self) -> list[str]:
        return [f"gpu{number:02}" for number in range(1, self.count + 1)]

    @property
    def addresses(self) -> dict[str, str]:
        found = {name: self.address(20 + number) for number, name in enumerate(self.names)}
        return {GATEWAY: self.address(10), **found}


@dataclass
class Run:
    """A playbook's end: what it said, what each host was asked, what it cost in all."""

    code: int
    output: str
    counted: dict[str, dict[str, Any]]
    seconds: float
    cpu: float  # seconds, of the controller and of all hosts together
    of: dict[str, float] = field(default_factory=dict)  # the same by host


class Fleet:
    def __init__(self, lab: FleetLab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.environment: dict[str, str] = {}  # of its playbooks, beside the caller's own
        (folder / "registry").mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Starts what does not run, with the stand-in on it, and writes inventory and registry."""
        with machine.only_one(self.lab):
            ensure_keys(self.lab)
            hosts.ensure_network(self.lab)
            image = ensure_image(self.lab)
            ensure_artifacts(self.lab)
            started = hosts.ensure_hosts(self.lab, image)
            hosts.await_reachable(self.lab)
            access.write(self.lab)
            if started:
                access.forget_connections(self.lab)
        for name in self.lab.names:
            if self.lab.container(name) in started:
                self.give_stub(name)
        self.declare()

    def give_stub(self, name: str) -> None:
        """The stand-in for llama-server, and one for a model's file."""
        stub, upstream = ((TOOLS / one).read_text() for one in ("llama_stub.py", "upstream.py"))
        files = {STUB[1:]: (0o755, stub), UPSTREAM[1:]: (0o644, upstream)}
        self.on(name, INSTALL, hosts.as_tar(files))

    def declare(self, only: list[str] | None = None) -> None:
        """A provider on each host, with a model of its own that another one stands in for."""
        names = only or self.lab.names
        found = {
            name: {
                "type": "llama_cpp",
                "deploy": {"hosts": name, "port": 8080},
                "models": [
                    {"name": f"model-{name}", "source": {"path": "/srv/models/stand-in.gguf"}}
                ],
            }
            for name in names
        }
        chains = {f"model-{a}": [f"model-{b}"] for a, b in itertools.pairwise(names)}
        text = json.dumps({"providers": found, "fallback_chains": chains})
        (self.folder / "registry/fleet.yaml").write_text(text)
        variables = {
            "ansible_user": LOGIN,
            "ansible_ssh_common_args": f'-F "{access.ssh_config(self.lab)}"',
            "ansible_control_path_dir": str(self.lab.state / "cp"),
            "ansible_python_interpreter": "/usr/bin/python3",
            "llama_cpp_install": "binary",
            "llama_cpp_binary": STUB,
            "gateway_bind": self.lab.address(10),
        }
        addresses = {n: {"ansible_host": a, **variables} for n, a in self.lab.addresses.items()}
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        backends = {name: {} for name in names}
        groups = {"gateway": {"hosts": {GATEWAY: {}}}, "backends": {"hosts": backends}}
        wanted = {GATEWAY: addresses[GATEWAY], **{name: addresses[name] for name in names}}
        inventory = {"all": {"hosts": {"localhost": here, **wanted}, "children": groups}}
        (self.folder / "hosts.yml").write_text(json.dumps(inventory))

    def on(self, name: str, command: str, data: bytes = b"", seconds: float = 120) -> str:
        argv = ["exec", "--interactive", self.lab.container(name), "sh", "-c", command]
        done = subprocess.run(
            machine.podman(self.lab, *argv),
            input=data,
            capture_output=True,
            timeout=seconds,
            check=True,
        )
        return done.stdout.decode()

    def kill(self, name: str) -> None:
        """As if somebody pulled its plug."""
        argv = machine.podman(self.lab, "kill", self.lab.container(name))
        subprocess.run(argv, capture_output=True, timeout=60, check=True)

    def start_again(self, name: str, seconds: float = 60) -> None:
        """And somebody put it in again."""
        argv = machine.podman(self.lab, "start", self.lab.container(name))
        subprocess.run(argv, capture_output=True, timeout=60, check=True)
        self.on(name, f"timeout {seconds} systemctl is-system-running --wait || true")
        hosts.await_reachable(self.lab)

    def hang(self, name: str) -> None:
        """Its sshd takes connections and says nothing any more, to those that it has either."""
        self.on(name, "pkill -STOP ^sshd")

    def go_on(self, name: str) -> None:
        self.on(name, "pkill -CONT ^sshd")

    def play(self, playbook: str, *words: str, forks: int = 10, timeout: float = 1500) -> Run:
        counted = self.folder / "counted.json"
        more = {
            "ANSIBLE_CALLBACK_PLUGINS": str(TOOLS / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "count_tasks",
            "LAB_LLM_COUNTED": str(counted),
            "ANSIBLE_FORKS": str(forks),
            **self.environment,
        }
        argv = ["ansible-playbook", "-i", str(self.folder / "hosts.yml"), *words, playbook]
        before, own, begun = self.cpu(), _children(), time.monotonic()
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, cwd=ROOT,
            env={**os.environ, **more}, check=False,
        )  # fmt: skip
        seconds, controller, after = time.monotonic() - begun, _children() - own, self.cpu()
        of = {name: after[name] - before[name] for name in after if name in before}
        seen = json.loads(counted.read_text()) if counted.exists() else {}
        return Run(done.returncode, done.stdout + done.stderr, seen, seconds,
                   controller + sum(of.values()), {"controller": controller, **of})  # fmt: skip

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU by host, by what the kernel has counted for its container."""
        argv = machine.podman(self.lab, "inspect", "--format", "{{.Name}} {{.State.CgroupPath}}")
        names = [self.lab.container(name) for name in self.lab.addresses]
        done = subprocess.run(
            [*argv, *names], capture_output=True, text=True, timeout=60, check=True
        )
        found = {}
        for line in done.stdout.splitlines():
            name, _, path = line.partition(" ")
            if path:
                found[name.removeprefix(f"{self.lab.name}-")] = _used(path)
        return found


def asked(url: str, model: str, key: str) -> int:
    """The status of one question to a gateway."""
    said = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(said).encode(), headers
    )
    try:
        with DIRECT.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _used(path: str) -> float:
    old = Path(f"/sys/fs/cgroup/cpuacct{path}/cpuacct.usage")
    if old.exists():
        return int(old.read_text()) / 1e9
    new = Path(f"/sys/fs/cgroup{path}/cpu.stat")
    return int(new.read_text().split()[1]) / 1e6 if new.exists() else 0.0


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def fleet_lab(count: int) -> FleetLab:
    found = lab_from_environment()
    subnet = ipaddress.IPv4Network(SUBNET)
    return FleetLab(f"{found.name}-fleet", subnet, found.cache, count)


@contextlib.contextmanager
def fleet(count: int, folder: Path) -> Iterator[Fleet]:
    """A fleet of so many hosts; see above."""
    made, watchers = Fleet(fleet_lab(count), folder), int(WATCHERS.read_text())
    try:
        _allow_watchers(max(watchers, 128 + WATCHERS_A_HOST * count))
        made.start()
        yield made
    finally:
        commands.down(made.lab, purge=False)
        _allow_watchers(watchers)


def _allow_watchers(count: int) -> None:
    argv = as_root(["tee", str(WATCHERS)])
    subprocess.run(argv, input=str(count), text=True, capture_output=True, timeout=30, check=True)
