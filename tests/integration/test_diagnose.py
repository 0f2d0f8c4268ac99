# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""diagnose.yml on real hosts: each fault is made, and the last lines must name it."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tools.lab_hosts import Host, the_lab, wait_for

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., subprocess.CompletedProcess[str]]
LAB = the_lab()
AS_LLM = "runuser -u llm -- env XDG_RUNTIME_DIR=/run/user/$(id -u llm) systemctl --user"
UNIT, LOCKED = "llama-server-smollm.service", "llama-server-locked.service"
SECRETS = "/var/lib/llm/.config/lab-llm"
KEY = "a-key-that-nobody-may-see"
LOCKED_FILE = """
providers:
  locked:
    type: llama_cpp
    env_var: DIAGNOSE_KEY
    deploy: {{hosts: backend2, port: 8091, options: {{ctx_size: 1024, threads: 1}}}}
    models:
      - name: smollm2-locked
        source:
          url: http://{mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf
          sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
"""
TLS_SERVER = """
import http.server, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/run/diagnose/tls.pem")
server = http.server.ThreadingHTTPServer(("0.0.0.0", 8443), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def registry(the_lab: object, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's registry and what the demo adds, live."""
    folder = tmp_path_factory.mktemp("registry")
    for part in ("registry/smollm.yaml", "add/assistant.yaml"):
        text = (ROOT / "inventories/demo" / part).read_text()
        (folder / Path(part).name).write_text(text.replace("10.89.7.5", LAB.mirror))
    done = play("site.yml", "-e", f"llm_registry={folder}", timeout=900)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def backend() -> Host:
    return Host("backend1")


@pytest.fixture
def stopped(registry: Path, backend: Host) -> Iterator[None]:
    backend.on(f"{AS_LLM} stop {UNIT}")
    yield
    backend.on(f"{AS_LLM} start {UNIT}")
    url = f"http://{backend.address}:8080/health"
    wait_for(lambda: backend.succeeds(f"curl -sf {url}"), 60, "the instance is back")


def diagnose(play: Play, registry: Path, provider: str, *words: str) -> dict[str, Any]:
    """The document; the text for people must not differ in its end, so it is not asked for."""
    given = ("-e", f"llm_registry={registry}", "-e", f"provider={provider}", "-e", "format=json")
    done = play("diagnose.yml", *given, *words)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    assert KEY not in done.stdout
    return json.loads(done.stdout) | {"rc": done.returncode}


def with_other(registry: Path, folder: Path, **other: Any) -> Path:
    """A registry in which a provider `other` stands besides."""
    found = Path(shutil.copytree(registry, folder / "registry"))
    entry = {"type": "openai_compatible", "models": ["m"], **other}
    (found / "other.yaml").write_text(json.dumps({"providers": {"other": entry}}))
    return found


def test_a_healthy_provider_and_one_that_was_stopped(
    registry: Path, play: Play, backend: Host
) -> None:
    told = diagnose(play, registry, "smollm", "-e", "completion=true", "-e", "exit_code=true")
    assert (told["rc"], told["cause"], told["not_seen"]) == (0, "", {})
    assert [c["seen"] for c in told["checks"] if c["check"] == "completion"] == ["an answer"]
    backend.on(f"{AS_LLM} stop {UNIT}")
    try:
        said = ("-e", f"llm_registry={registry}", "-e", "provider=smollm")
        done = play("diagnose.yml", *said, "--check")
        cause, fix = done.stdout.rstrip().splitlines()[-2:]
        assert done.returncode == 0
        assert cause == f"Most likely cause: {UNIT} on backend1 does not run: somebody stopped it."
        command = fix.split("`")[1].removeprefix("ansible backend1 ")
        assert backend.on(f"{AS_LLM} is-active {UNIT} || true") == "inactive"
        # What it says to do does it.
        backend.on(command.split(" -a '")[1].removesuffix("'"))
        assert backend.on(f"{AS_LLM} is-active {UNIT}") == "active"
    finally:
        backend.on(f"{AS_LLM} start {UNIT}")


@pytest.mark.nightly
def test_a_name_that_is_not_there_is_told_with_the_nearest(registry: Path, play: Play) -> None:
    said = ("-e", f"llm_registry={registry}")
    done = play("diagnose.yml", *said, "-e", "provider=smolm")
    assert done.returncode == 2
    assert "No provider 'smolm' in the registry. Did you mean 'smollm'?" in done.stdout
    done = play("diagnose.yml", *said)
    assert done.returncode == 2
    assert "Which provider? Name it: -e provider=smollm" in done.stdout


@pytest.mark.nightly
def test_a_port_that_another_has_taken(
    registry: Path, stopped: None, play: Play, backend: Host
) -> None:
    start = f"systemd-run --collect --unit=taker python3 -m http.server 8080 -b {backend.address}"
    backend.on(start)
    try:
        url = f"http://{backend.address}:8080/"
        wait_for(lambda: backend.succeeds(f"curl -sf -o /dev/null {url}"), 20, "the port is taken")
        told = diagnose(play, registry, "smollm", "-e", "exit_code=true")
    finally:
        backend.on("systemctl stop taker")
    assert told["rc"] == 2
    assert told["cause"].startswith("Port 8080 of backend1 is taken by python3 (pid ")
    assert "taker.service) of root" in told["cause"]


@pytest.mark.nightly
def test_a_unit_that_dies_names_its_reason(registry: Path, play: Play, backend: Host) -> None:
    file = f"/var/lib/llm/.config/systemd/user/{UNIT}"
    backend.on(
        f"cp -p {file} /run/unit.before; "
        f"sed -i 's/--ctx-size 2048/--no-such-option/; s/^RestartSec=.*/RestartSec=60s/' {file}"
    )
    try:
        backend.on(f"{AS_LLM} daemon-reload; {AS_LLM} restart {UNIT} || true")
        down = f"{AS_LLM} show -P SubState {UNIT} | grep -q auto-restart"
        wait_for(lambda: backend.succeeds(down), 30, "it has died")
        told = diagnose(play, registry, "smollm")
    finally:
        backend.on(f"cp -p /run/unit.before {file}; {AS_LLM} daemon-reload")
        backend.on(f"{AS_LLM} restart {UNIT}")
        url = f"http://{backend.address}:8080/health"
        wait_for(lambda: backend.succeeds(f"curl -sf {url}"), 60, "the instance is back")
    assert told["cause"].startswith(f"{UNIT} on backend1 does not run: ")
    assert "--no-such-option" in told["cause"]


@pytest.mark.nightly
def test_a_host_that_is_down(registry: Path, play: Play) -> None:
    host = Host("backend2")
    host.kill()
    try:
        told = diagnose(play, registry, "smollm_spare", "-e", "exit_code=true")
    finally:
        host.start()
        up = f"{AS_LLM} is-active llama-server-smollm_spare.service"
        wait_for(lambda: host.succeeds(up), 90, "its instance is back")
    assert told["rc"] == 2
    assert list(told["not_seen"]) == ["backend2"]
    assert told["cause"].startswith("backend2 does not answer at all, neither Ansible nor the gate")


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("other", "cause"),
    [
        ({"base_url": "http://nobody.invalid:8000"}, "The name nobody.invalid does not exist"),
        ({"base_url": "http://{backend}:9"}, "Nothing listens on port 9 of {backend}"),
        ({"base_url": "https://{backend}:8080"}, "{backend} does not speak TLS on port 8080"),
        ({"base_url": "http://{backend}:8080"}, "other does not have m: it lists smollm2-135m"),
        (
            {"base_url": "http://{backend}:8080", "models": ["smollm2-135m"]},
            "other is in the registry and not in what the gateway serves",
        ),
        (
            {"base_url": "http://{backend}:8080/api/v1", "models": ["smollm2-135m"]},
            "There is no API at http://{backend}:8080/api/v1/models (404)",
        ),
        (
            {"base_url": "http://{backend}:8080", "models": ["smollm2-135m"]}
            | {"health_endpoint": "/status"},
            "There is no health endpoint at http://{backend}:8080/status (404)",
        ),
        (
            {"base_url": "http://{backend}:8080", "models": ["smollm2-135m"]}
            | {"env_var": "NOBODY_HAS_SET_IT"},
            "The gateway has no value for NOBODY_HAS_SET_IT",
        ),
        ({"base_url": "http://{backend}:8080", "status": "disabled"}, "other is disabled"),
        ({"base_url": "http://{nobody}:8000"}, "Nothing answers at {nobody}"),
    ],
    ids=lambda one: one[:30] if isinstance(one, str) else "",
)
def test_a_provider_of_somebody_else(
    registry: Path, play: Play, backend: Host, tmp_path: Path, other: dict[str, Any], cause: str
) -> None:
    known = {"backend": backend.address, "nobody": LAB.address(29)}  # an address of no host
    filled = {k: v.format(**known) if k == "base_url" else v for k, v in other.items()}
    told = diagnose(play, with_other(registry, tmp_path, **filled), "other")
    assert told["cause"].startswith(cause.format(**known)), told["cause"]


def certificate(name: str, days: int, authority: Any = None) -> tuple[str, Any]:
    """(a key and a certificate for this name as PEM, (certificate, key)); one that ends in `days`,
    signed by that authority or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    ends = now + datetime.timedelta(days=days)
    signer = authority or (None, key)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer[0].subject if signer[0] else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=90))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .sign(signer[1], hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    pem = secret + made.public_bytes(serialization.Encoding.PEM)
    return pem.decode(), (made, key)


@pytest.fixture
def names(registry: Path) -> Iterator[None]:
    """tls.lab leads to the backend, for the gateway's host."""
    gateway = Host("gateway1")
    address = Host("backend1").address
    gateway.on(f"cp /etc/hosts /run/hosts.before; echo '{address} tls.lab' >>/etc/hosts")
    yield
    gateway.on("cat /run/hosts.before >/etc/hosts")


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "days", "signed", "cause"),
    [
        ("tls.lab", 30, False, "does not trust the certificate of tls.lab: it is signed by itself"),
        ("tls.lab", 30, True, "it is signed by an authority that the gateway does not know"),
        ("tls.lab", -3, "trusted", "The certificate of tls.lab has expired."),
        ("other.lab", 30, "trusted", "tls.lab shows is for another name: other.lab."),
        ("tls.lab", 5, "trusted", "expires in 4 days"),
    ],
)
def test_a_certificate(
    registry: Path,
    names: None,
    play: Play,
    backend: Host,
    tmp_path: Path,
    name: str,
    days: int,
    signed: bool | str,
    cause: str,
) -> None:
    _pem, root = certificate("A lab's authority", 365)
    pem, _pair = certificate(name, days, root if signed else None)
    gateway = Host("gateway1")
    bundle = "/var/lib/llm/gateway/current/venv/lib/python3*/site-packages/certifi/cacert.pem"
    if signed == "trusted":
        text = root[0].public_bytes(serialization.Encoding.PEM).decode()
        gateway.on(f"cp {bundle} /run/cacert.before; cat >>$(echo {bundle})", data=text)
    backend.write("/run/diagnose/tls.pem", pem)
    backend.write("/run/diagnose/server.py", TLS_SERVER)
    backend.on("systemd-run --collect --unit=tls-server python3 /run/diagnose/server.py")
    try:
        listens = "ss -tln | grep -q :8443"
        wait_for(lambda: backend.succeeds(listens), 20, "the server listens")
        there = with_other(registry, tmp_path, base_url="https://tls.lab:8443")
        told = diagnose(play, there, "other")
    finally:
        backend.on("systemctl stop tls-server")
        if signed == "trusted":
            gateway.on(f"cat /run/cacert.before >$(echo {bundle})")
    said = [told["cause"], *(one["cause"] for one in told["warnings"])]
    assert any(cause in one for one in said), said


@pytest.fixture(scope="module")
def locked(
    registry: Path, play: Play, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Host]]:
    """An instance on the second backend that demands a key."""
    host = Host("backend2")
    folder = Path(shutil.copytree(registry, tmp_path_factory.mktemp("locked") / "registry"))
    (folder / "locked.yaml").write_text(LOCKED_FILE.format(mirror=LAB.mirror))
    done = play("site.yml", "-e", f"llm_registry={folder}", env={"DIAGNOSE_KEY": KEY}, timeout=900)
    assert done.returncode == 0, done.stdout
    yield folder, host
    host.on(f"{AS_LLM} disable --now {LOCKED}; cd /var/lib/llm; rm -f {SECRETS}/{LOCKED}.env "
            f".config/systemd/user/{LOCKED} .local/state/lab-llm/units/{LOCKED}.json; "
            f"{AS_LLM} daemon-reload")  # fmt: skip
    assert play("site.yml", "-e", f"llm_registry={registry}", timeout=900).returncode == 0


@pytest.mark.nightly
def test_keys_that_differ_are_told_and_never_shown(locked: tuple[Path, Host], play: Play) -> None:
    folder, host = locked
    assert diagnose(play, folder, "locked")["cause"] == ""
    file = f"{SECRETS}/{LOCKED}.env"
    host.on(f"sed -i 's/{KEY}/another-key-of-nobody/' {file}")
    told = diagnose(play, folder, "locked")  # it runs with the right one still
    assert told["cause"] == ""
    assert "runs with another key than its file has" in told["warnings"][0]["cause"]
    host.on(f"{AS_LLM} restart {LOCKED}")
    url = f"http://{host.address}:8091/health"
    wait_for(lambda: host.succeeds(f"curl -sf {url}"), 60, "the instance is back")
    told = diagnose(play, folder, "locked")
    assert told["cause"].startswith(f"The gateway's DIAGNOSE_KEY is not the key that {LOCKED} on")
    said = ("-e", f"llm_registry={folder}", "-e", "provider=locked", "-vvv")
    done = play("diagnose.yml", *said, env={"DIAGNOSE_KEY": KEY})
    assert "DIAGNOSE_KEY" in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert "another-key-of-nobody" not in done.stdout + done.stderr
    host.on(f"sed -i 's/another-key-of-nobody/{KEY}/' {file}; {AS_LLM} restart {LOCKED}")


@pytest.mark.nightly
def test_a_firewall_that_drops_is_read_and_stays(registry: Path, play: Play, backend: Host) -> None:
    """The hosts may not look into their firewall; through an sshd of its own Ansible may."""
    command = ("exec", "--privileged")
    chain = "{ type filter hook input priority 0; tcp dport 8080 drop; }"
    ours = f"table inet diagnose {{ chain in {chain}; }}"
    pids = {}
    for name in ("gateway1", "backend1"):
        host = Host(name)
        host.podman(*command, "--detach", LAB.container(name), "/usr/sbin/sshd", "-p", "2222",
                    "-o", "PidFile=/run/sshd-2222.pid")  # fmt: skip
        pids[name] = host
    backend.on("command -v nft || { apt-get update -qq; apt-get install -qq -y nftables; }")
    inside = (*command, LAB.container("backend1"))
    backend.podman(*inside, "nft", ours)
    before = backend.podman(*inside, "nft", "list", "ruleset")
    by_ssh = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    try:
        said = ("-e", f"llm_registry={registry}", "-e", "provider=smollm", "-e", "format=json")
        env = {"ANSIBLE_SSH_EXTRA_ARGS": by_ssh}
        told = json.loads(play("diagnose.yml", *said, "-e", "ansible_port=2222", env=env).stdout)
        closed = diagnose(play, registry, "smollm")
        assert backend.podman(*inside, "nft", "list", "ruleset") == before
    finally:
        backend.podman(*inside, "nft", "delete", "table", "inet", "diagnose")
        for host in pids.values():
            host.on("kill $(cat /run/sshd-2222.pid)")
    assert told["cause"].startswith("The firewall of backend1 keeps the gateway from port 8080: a ")
    assert "for port 8080 in chain in of table inet diagnose" in told["cause"]
    # Without the right to read it, the way is still told from the instance.
    assert "connections from gateway1 do not arrive there" in closed["cause"]
