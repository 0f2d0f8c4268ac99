"""Plain LiteLLM on the same host, as one runs it without us: what our figures are held against.

`litellm --config` in a plain unit of the same user's systemd, from the same venv and configuration
as the gateway under test, on a port of its own.
"""

from __future__ import annotations

import time

from .gateway_under_test import BASE, HOME, MASTER, USER, Gateway, Load, wait_for

UNIT, PORT = "plain-litellm.service", 4200
FILE = f"{HOME}/.config/systemd/user/{UNIT}"
ALIVE = """
import http.client, sys, time
until = time.monotonic() + 120
while time.monotonic() < until:
    try:
        asked = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=5)
        asked.request("GET", "/health/liveliness")
        if asked.getresponse().status == 200:
            print(time.monotonic())
            break
    except OSError:
        pass
    time.sleep(0.01)
"""


class Plain:
    """The unit; it is written at once, and started by `start_up`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.url = gateway, f"http://{gateway.address}:{PORT}"
        venv = gateway.on(f"readlink -f {BASE}/current/venv")
        config = gateway.on(f"readlink -f {BASE}/current/config.yaml")
        gateway.write("/opt/gwtest/alive.py", ALIVE)
        gateway.on(f"sudo -u {USER} mkdir -p {HOME}/plain; cp {config} {HOME}/plain/config.yaml")
        gateway.write(
            FILE,
            f"""[Service]
ExecStart={venv}/bin/litellm --config config.yaml --host {gateway.address} --port {PORT}
Environment=LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_MODE=PRODUCTION LITELLM_MASTER_KEY={MASTER}
Environment=GWTEST_KEY=plain
WorkingDirectory={HOME}/plain
""",
        )
        gateway.on(f"chown -R {USER}: {HOME}/plain {HOME}/.config/systemd")
        gateway.user("systemctl --user daemon-reload")

    def start_up(self) -> float:
        """Seconds from the start of its process to its first 200 on /health/liveliness."""
        self.stop()
        self.gateway.user(f"systemctl --user start {UNIT}")
        alive = self.gateway.on(f"python3 /opt/gwtest/alive.py {self.gateway.address} {PORT}")
        return float(alive) - self.began()

    def restart(self, load: Load) -> float:
        """`systemctl restart` under a load: seconds from the new process's start to the first
        request that it answered."""
        called = time.monotonic()
        self.gateway.user(f"systemctl --user restart {UNIT}")
        began = self.began()
        assert began > called
        return load.first(began).first - began

    def began(self) -> float:
        """When its process was started, by the monotonic clock."""
        show = f"systemctl --user show -P ExecMainStartTimestampMonotonic {UNIT}"
        return int(self.gateway.user(show)) / 1e6

    def stop(self) -> None:
        self.gateway.user(f"systemctl --user stop {UNIT}")

    def wait(self) -> None:
        """Until it answers."""
        alive = f"python3 /opt/gwtest/alive.py {self.gateway.address} {PORT}"
        wait_for(lambda: self.gateway.on(alive, timeout=150), 1, "plain LiteLLM answers")
