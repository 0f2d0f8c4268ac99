"""Two gateways that count in one Redis, and two hosts with HAProxy and keepalived in front of them.

What stands before the gateways is what docs/fleet.md shows, with this lab's addresses in it. The
provider behind them is a stand-in (upstream.py) on the first of the two.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .fleet_lab import LOGIN, ROOT, TOOLS, Fleet, FleetLab, Run, access, asked, commands, machine
from .fleet_lab import fleet_lab as plain_lab
from .gateway_under_test import MASTER

SITE = "playbooks/site.yml"
PASSWORD = "gateways-redis-0123456789"
GATEWAYS, REDIS, FRONTS = ("gateway1", "gateway2"), "redis1", ("front1", "front2")
NUMBERS = {"gateway1": 10, "gateway2": 11, "redis1": 12, "front1": 20, "front2": 21}
FRONT, VIRTUAL = FRONTS[0], 30  # whose provider it is; the address that the two share
UPSTREAM_PORT, PORT, STATS = 9001, 4000, "/run/haproxy-llm.sock"
PAGE = ROOT / "docs/fleet.md"
FRONT_PACKAGES = "haproxy keepalived curl socat"
# Debian's unit binds /dev/log into HAProxy's chroot, and a container may mount nothing; the unit
# of keepalived has no capability to take an address there, so it is started beside it.
INSTALL_FRONT = f"""set -e
mkdir -p /etc/systemd/system/haproxy.service.d
printf '[Service]\\nBindReadOnlyPaths=\\n' > /etc/systemd/system/haproxy.service.d/container.conf
test -x /usr/sbin/keepalived && exit
apt-get -q update >/dev/null
export DEBIAN_FRONTEND=noninteractive
apt-get -qy install --no-install-recommends {FRONT_PACKAGES} >/dev/null
systemctl disable -q --now keepalived
systemctl daemon-reload
systemctl reset-failed haproxy || true
"""


@dataclass(frozen=True)
class GatewaysLab(FleetLab):
    """Two gateways, the host of Redis, and two in front."""

    @property
    def addresses(self) -> dict[str, str]:
        return {name: self.address(number) for name, number in NUMBERS.items()}


class Gateways(Fleet):
    """The two gateways; `declare` writes what they are to serve, `site` brings them to it."""

    def __init__(self, lab: FleetLab, folder: Path) -> None:
        super().__init__(lab, folder)
        self.environment = {"LITELLM_MASTER_KEY": MASTER, "LLM_REDIS_PASSWORD": PASSWORD}
        self.mark, self.variables = "m0", dict[str, dict[str, Any]]()

    def declare(self, only: list[str] | None = None, **more: Any) -> None:
        """A provider with the model `m`, one with a model named like the mark, and `more`."""
        up = {
            "type": "openai_compatible",
            "base_url": f"http://{FRONT}:{UPSTREAM_PORT}/v1",
            "health_endpoint": "/health",
        }
        providers = {"up": {**up, "models": ["m"]}, "extra": {**up, "models": [self.mark]}}
        registry = {"providers": providers, **more}
        (self.folder / "registry/lab.yaml").write_text(json.dumps(registry))
        common = {
            "ansible_user": LOGIN,
            "ansible_ssh_common_args": f'-F "{access.ssh_config(self.lab)}"',
            "ansible_control_path_dir": str(self.lab.state / "cp"),
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        known = {
            name: {"ansible_host": address, **common, **self.variables.get(name, {})}
            for name, address in self.lab.addresses.items()
        }
        for name in GATEWAYS:
            known[name]["gateway_bind"] = self.lab.addresses[name]
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        groups = {"gateway": {"hosts": dict.fromkeys(GATEWAYS)}}
        if not any("gateway_redis_host" in known[name] for name in GATEWAYS):
            groups["redis"] = {"hosts": {REDIS: None}}
        inventory = {"all": {"hosts": {"localhost": here, **known}, "children": groups}}
        (self.folder / "hosts.yml").write_text(json.dumps(inventory))

    def new_mark(self) -> str:
        """A model of another name, which makes another generation."""
        self.mark = f"m{time.time_ns()}"
        return self.mark

    def site(self, *words: str) -> Run:
        return self.play(SITE, *words)

    # --- in front of them ---

    def prepare_fronts(self) -> None:
        """HAProxy and keepalived as the docs have them, and the provider behind the gateways."""
        self.on(FRONT, "install -d /opt/upstream")
        self.on(FRONT, "cat > /opt/upstream/upstream.py", (TOOLS / "upstream.py").read_bytes())
        unit = "systemd-run --quiet --collect --unit upstream"
        program = f"/usr/bin/python3 /opt/upstream/upstream.py {UPSTREAM_PORT} up"
        self.on(FRONT, f"systemctl is-active -q upstream || {unit} {program}")
        haproxy, keepalived = self.example("balance leastconn"), self.example("vrrp_instance")
        second = keepalived.replace("front1", "front2").replace("priority 100", "priority 90")
        for name, elected in zip(FRONTS, (keepalived, second), strict=True):
            self.on(name, INSTALL_FRONT, seconds=300)
            self.on(name, "cat > /etc/haproxy/haproxy.cfg", haproxy.encode())
            self.on(name, "cat > /etc/keepalived/keepalived.conf", elected.encode())
            self.on(name, "keepalived --config-test && haproxy -c -q -f /etc/haproxy/haproxy.cfg")
            self.privileged(name, "sysctl -qw net.ipv4.ip_nonlocal_bind=1")
            self.on(name, "systemctl restart haproxy")
            running = "test -e /run/elect.pid && kill -0 $(cat /run/elect.pid)"
            start = "setsid keepalived --vrrp --log-console -p /run/elect.pid -r /run/vrrp.pid"
            self.privileged(
                name, f"{running} 2>/dev/null || {start} >/run/elect.log 2>&1 </dev/null"
            )

    def privileged(self, name: str, command: str) -> None:
        """With the capabilities that a real host's root has, to take an address above all."""
        remount = "mount -o remount,rw /proc/sys 2>/dev/null; "
        argv = ["exec", "--privileged", self.lab.container(name), "sh", "-c", remount + command]
        subprocess.run(machine.podman(self.lab, *argv), capture_output=True, timeout=60, check=True)

    def has_address(self) -> list[str]:
        """Which of the fronts have the shared address."""
        look = f"ip -4 -o address show eth0 | grep -q 'inet {self.lab.address(VIRTUAL)}/' && echo y"
        return [name for name in FRONTS if self.on(name, f"{look} || true")]

    def example(self, word: str) -> str:
        """The example of the docs with `word` in it, with this lab's addresses."""
        blocks = re.findall(r"^```\w*\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        (found,) = (block for block in blocks if word in block)
        found = found.replace("10.0.0.20", self.lab.address(VIRTUAL))
        return re.sub(r"10\.0\.0\.(\d+)", lambda match: self.lab.address(int(match[1])), found)

    def haproxy(self, command: str, front: str = FRONT) -> str:
        return self.on(front, f"socat - {STATS}", f"{command}\n".encode())

    def sessions(self, what: str = "stot") -> dict[str, int]:
        """How many requests the first HAProxy has given each gateway so far; with `scur`: now."""
        lines = self.haproxy("show stat").lstrip("# ").splitlines()
        names = lines[0].split(",")
        rows = [dict(zip(names, line.split(","), strict=False)) for line in lines[1:] if line]
        servers = [row for row in rows if row["pxname"] == "llm" and row["svname"] in GATEWAYS]
        return {row["svname"]: int(row[what]) for row in servers if row["status"] != "DOWN"}

    # --- what they say ---

    def url(self, name: str = "") -> str:
        """Of a gateway, or the one in front of both."""
        address = self.lab.addresses[name] if name else self.lab.address(VIRTUAL)
        return f"http://{address}:{PORT}"

    def ask(self, name: str = "", model: str = "m") -> int:
        """The status of one question there."""
        return asked(self.url(name), model, MASTER)

    def config(self, name: str) -> str:
        return self.on(name, "cat /var/lib/llm/gateway/current/config.yaml")

    def current(self, name: str) -> str:
        return self.on(name, "readlink /var/lib/llm/gateway/current").strip()


@contextlib.contextmanager
def gateways(folder: Path) -> Iterator[Gateways]:
    """Both of them, which serve what is declared first; see above."""
    found = plain_lab(0)
    lab = GatewaysLab(f"{found.name.removesuffix('-fleet')}-gateways", found.subnet, found.cache)
    made = Gateways(lab, folder)
    try:
        made.start()
        made.prepare_fronts()
        yield made
    finally:
        if not os.environ.get("LAB_LLM_KEEP"):
            commands.down(lab, purge=False)
