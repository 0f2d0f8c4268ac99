"""The launcher outside of systemd: its socket, its environment, an ear for what it says."""

from __future__ import annotations

import http.client
import json
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
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
# What systemd does between fork and exec.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-s", sys.argv[2]])
"""
# What systemd says of jobs and does with scopes: here a file says whether this is a restart.
AS_MANAGER = """
import os
def restarting(): return os.path.exists(os.environ["XDG_RUNTIME_DIR"] + "/restarting")
def move(pids, bound): return True
def left_over(): return set()
def outlive(seconds): pass
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
- model_name: t
  litellm_params: {{model: openai/m, api_base: "{base}:{two}/v1", api_key: none,
    tag_regex: ["^User-Agent: .*(?:tail)"]}}
  model_info: {{id: "~two/t", enable_tag_filtering: true}}
- model_name: t
  litellm_params: {{model: openai/m, api_base: "{base}:{one}/v1", api_key: none, tags: [default],
    tag_regex: ["^User-Agent: (?!)"]}}
  model_info: {{id: "~one/t", enable_tag_filtering: true}}
router_settings: {{num_retries: 0, fallbacks: {fallbacks}}}
litellm_settings: {{callbacks: [prometheus]}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
"""


class Instance:
    """A launcher as systemd starts it: with the socket, an environment and an ear for it."""

    def __init__(self, host: Host, number: int, more: dict[str, str]) -> None:
        self.notes, self.host = [], host
        ear = host.runtime / f"notify-{len(host.instances)}"
        self.ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ear.bind(str(ear))
        threading.Thread(target=self.listen, daemon=True).start()
        generation = host.base / "generations" / str(number)
        environment = {
            # Like systemd, nothing that would keep Python from compiling once and for all.
            **{name: x for name, x in os.environ.items() if not name.startswith("PYTHON")},
            "NOTIFY_SOCKET": str(ear),
            "XDG_RUNTIME_DIR": str(host.runtime),
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MASTER_KEY": KEY,
            "TWO_KEY": SECRET,
            "LISTEN_FDS": "1",
            **more,
        }
        door = host.public.fileno()
        self.log = host.runtime / f"log-{len(host.instances)}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [host.python, "-c", AS_SYSTEMD, str(door), str(generation / "program/launcher.py")],
                env=environment,
                pass_fds=[door],
                stdout=log,
                stderr=log,
            )
        self.private = str(host.runtime / "lab-llm" / f"litellm-{number}.sock")
        self.all_workers: set[int] = set()

    def listen(self) -> None:
        while True:
            self.notes.append(self.ear.recv(4096).decode())

    def workers(self) -> list[int]:
        """The pids of the workers that it has now."""
        pid = self.process.pid
        try:
            found = [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        except OSError:
            found = []
        self.all_workers.update(found)
        return found

    def gone(self) -> bool:
        """Whether it has ended, and every worker that was seen."""
        alive = [pid for pid in self.all_workers if running(pid)]
        return self.process.poll() is not None and not alive

    def tell(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, note: str, seconds: float = 120, after: int = 0) -> None:
        """Until it says so; `after` as many other words."""
        wait_for(
            lambda: note in self.notes[after:] or self.process.poll() is not None,
            seconds * self.host.pace,
        )
        assert note in self.notes[after:], (self.notes, self.log.read_text()[-2000:])


class Host:
    """A gateway's folder, its socket and two providers."""

    def __init__(self, base: Path, python: str) -> None:
        self.base, self.python, self.instances = base, python, []
        self.pace = 1.0  # how much slower than a quiet machine this one is just now, or more
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
        shutil.copytree(PROGRAM, folder / "program", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "program/leaving.py").write_text(AS_MANAGER)
        (folder / "config.yaml").write_text(text)

    def switch(self, number: int, link: str = "current") -> None:
        """Lets a link name this generation; who was current before may stay warm. As in a change
        the new one is the candidate first: or it ends, once warm, where another is to stay so."""
        if link == "current" and (self.base / link).is_symlink():
            self.switch(number, "candidate")
            self.switch(int((self.base / link).readlink().name), "standby")
        beside = self.base / f"{link}.new"
        beside.symlink_to(f"generations/{number}")
        beside.replace(self.base / link)

    def start(self, number: int, **more: str) -> Instance:
        """Starts it; `more` is its environment besides."""
        self.instances.append(Instance(self, number, more))
        return self.instances[-1]

    def candidate(self, number: int, **more: str) -> Instance:
        """Starts it as a change does, to be proven in private."""
        self.switch(number, "candidate")
        return self.start(number, **more)

    def hand_over(self, old: Instance, new: Instance, number: int) -> None:
        """What a change does when the new one has proven itself."""
        at, then = len(old.notes), len(new.notes)
        self.switch(number)
        old.tell(1)
        wait_for(
            lambda: any("retiring" in x or "standby" in x for x in old.notes[at:]), 10 * self.pace
        )
        new.tell(1)
        new.wait("STATUS=serving", 10, then)


class Load:
    """Clients that ask all the time, in the background: on kept connections, on fresh ones, and in
    streams of two seconds. A stream that is cut short is a failure."""

    KINDS = ("kept", "kept", "fresh", "stream", "stream")

    def __init__(self, port: int) -> None:
        self.port, self.over = port, threading.Event()
        self.failed: list[str] = []
        self.answers: list[tuple[float, float, str]] = []  # when asked, seconds, kind
        self.threads = [threading.Thread(target=self.client, args=(kind,)) for kind in self.KINDS]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        wait_for(lambda: len(self.answers) > len(self.KINDS), 30)
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def client(self, kind: str) -> None:
        door = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        while not self.over.wait(0.05):
            asked = time.monotonic()
            try:
                self.ask(door, kind == "stream")
            except Exception as error:
                self.failed.append(f"{kind}: {error!r}")
                door.close()
            self.answers.append((asked, time.monotonic() - asked, kind))
            if kind != "kept":
                door.close()

    def ask(self, door: http.client.HTTPConnection, stream: bool) -> None:
        asked = {"model": "a", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        door.request("POST", "/v1/chat/completions", json.dumps(asked), HEADERS)
        answer = door.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text[:200])
        assert not stream or text.endswith(b"data: [DONE]\n\n"), text[-100:]


def running(pid: int) -> bool:
    """Whether a process is there, and not only as the memory of one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
