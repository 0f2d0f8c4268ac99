# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lab hosts that run vLLM for a test: plays on them, commands in them, requests to them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .lab_hosts import COMMAND, changed_in, role_play, the_lab, without

USER, HOME = "llmvllm", "/var/lib/llmvllm"
HEAD, WORKER = "backend1", "backend2"
MODEL = f"{HOME}/models/smollm2"


class Hosts:
    """The hosts under test: plays on them, commands in them, requests to them."""

    def __init__(self, folder: Path) -> None:
        self.lab, self.folder = the_lab(), folder

    def play(
        self, *words: str, hosts: str = WORKER, under_test: str = "vllm", **variables: Any
    ) -> tuple[int, int, str]:
        """(exit code, tasks that changed something, output)."""
        own = {"user_service_user": USER, "user_service_home": HOME, "under_test": under_test}
        own |= {"under_test_hosts": hosts, **variables}
        done = role_play("vllm.yml", *words, folder=self.folder, timeout=1500, **own)
        return done.returncode, changed_in(done.stdout), done.stdout + done.stderr

    def shell(self, host: str, command: str) -> str:
        """A command as root; its output. (Only here: a test looks at the host from outside.)"""
        argv = [COMMAND, "ssh", host, "sudo", "sh", "-s"]
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


def through_the_gateway(hosts: Hosts, model: str, text: str) -> str:
    """What the lab's own gateway answers."""
    secret = hosts.shell("gateway1", "cat /var/lib/llm/gateway/secrets.env")
    master = secret.split('LITELLM_MASTER_KEY="')[1].split('"')[0]
    url = f"http://{hosts.lab.addresses['gateway1']}:4000/v1/chat/completions"
    body = {"model": model, "max_tokens": 16, "temperature": 0}
    body["messages"] = [{"role": "user", "content": text}]
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {master}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


@contextlib.contextmanager
def hosts_without_user(folder: Path) -> Iterator[Hosts]:
    """Both hosts, before and afterwards without the user under test."""
    found = Hosts(folder)
    for host in (HEAD, WORKER):
        found.shell(host, without(USER))
    yield found
    for host in (HEAD, WORKER):
        found.shell(host, without(USER))


def lock(folder: Path, *packages: str, leave: str = "", **environment: str) -> str:
    """A lock file with hashes, as a user makes one."""
    wanted, left, made = folder / "in.txt", folder / "left.txt", folder / "lock.txt"
    wanted.write_text("\n".join(packages))
    left.write_text(leave)
    argv = ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--python-version", "3.11"]
    argv += ["--excludes", str(left), "--no-emit-find-links", "--output-file", str(made)]
    subprocess.run([*argv, str(wanted)], check=True, env={**os.environ, **environment})
    return made.read_text()
