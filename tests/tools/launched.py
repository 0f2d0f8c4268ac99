"""The launcher outside of systemd: its socket, its environment, an ear for what it says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tools.upstream import serve

PROGRAM = Path(__file__).resolve().parents[2] / "roles/gateway/files/program"
KEY, SECRET = "sk-a-master-key-for-tests", "sk-the-second-provider's-key"
# What systemd does between fork and exec.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-s", sys.argv[2]])
"""


def config(one: int, two: int, broken: bool = False) -> str:
    """LiteLLM's configuration for two providers on these ports."""
    base = "http://127.0.0.1"
    fallbacks = "[{model: a, fallback_models: [b]}]" if broken else '[{a: ["~two/m"]}]'
    return f"""
model_list:
- model_name: a
  litellm_params: {{model: openai/m, api_base: "{base}:{one}/v1", api_key: none}}
  model_info: {{id: "~one/m"}}
- model_name: b
  litellm_params: {{model: openai/m, api_base: "{base}:{two}/v1", api_key: os.environ/TWO_KEY}}
  model_info: {{id: "~two/m"}}
- model_name: e
  litellm_params: {{model: openai/m, api_base: "{base}:{one}/v1", api_key: none}}
  model_info: {{id: "~one/e", mode: embedding}}
router_settings: {{num_retries: 0, fallbacks: {fallbacks}}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
"""


class Instance:
    """A launcher as systemd starts it: with the socket, an environment and an ear for it."""

    def __init__(self, host: Host, number: int) -> None:
        self.notes, self.host = [], host
        ear = host.runtime / f"notify-{number}"
        ear.unlink(missing_ok=True)
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(ear))
        threading.Thread(target=self.listen, daemon=True).start()
        generation = host.base / "generations" / str(number)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(ear),
            "XDG_RUNTIME_DIR": str(host.runtime),
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": KEY,
            "TWO_KEY": SECRET,
            "LISTEN_FDS": "1",
        }
        door = host.public.fileno()
        self.log = host.runtime / f"log-{number}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [host.python, "-c", AS_SYSTEMD, str(door), str(generation / "program/launcher.py")],
                env=environment,
                pass_fds=[door],
                stdout=log,
                stderr=log,
            )
        self.private = str(host.runtime / "lab-llm" / f"litellm-{number}.sock")

    def listen(self) -> None:
        while True:
            self.notes.append(self.ear.recv(4096).decode())

    def wait(self, note: str, seconds: float = 120) -> None:
        wait_for(lambda: note in self.notes or self.process.poll() is not None, seconds)
        assert note in self.notes, (self.notes, self.log.read_text()[-2000:])


class Host:
    """A gateway's folder, its socket and two providers."""

    def __init__(self, base: Path, python: str) -> None:
        self.base, self.python, self.instances = base, python, []
        self.runtime = base / "run"
        self.runtime.mkdir()
        self.public = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.public.getsockname()[1]
        self.upstreams = [serve(0, name) for name in ("one", "two")]
        for server in self.upstreams:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.ports = [server.server_address[1] for server in self.upstreams]

    def stage(self, number: int, text: str) -> None:
        folder = self.base / "generations" / str(number)
        shutil.copytree(PROGRAM, folder / "program")
        (folder / "config.yaml").write_text(text)

    def switch(self, number: int) -> None:
        beside = self.base / "current.new"
        beside.symlink_to(f"generations/{number}")
        beside.replace(self.base / "current")

    def start(self, number: int) -> Instance:
        self.instances.append(Instance(self, number))
        return self.instances[-1]


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
