# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis asks: names, ports, certificates, lists of models; what the registry says."""

from __future__ import annotations

import datetime
import http.server
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.diagnosing import (
    answers,
    certificate,
    from_gateway,
    instance,
    network,
    regions,
    rows,
)
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.diagnosis import diagnosis
from ansible_collections.lab.llm.plugins.module_utils.diagnosing.questions import questions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

INVENTORY = Inventory(
    groups={"all": ["gw", "gpu01", "gpu02"], "gateway": ["gw"], "gpus": ["gpu01", "gpu02"]},
    addresses={"gw": "10.0.0.10", "gpu01": "10.0.0.11", "gpu02": "10.0.0.12"},
)
REGISTRY = """
providers:
  small:
    type: llama_cpp
    env_var: SMALL_KEY
    deploy: {hosts: gpus, port: 8081, gpus: [0]}
    models: [{name: m, source: {path: /m.gguf}}]
  claude: {type: anthropic, models: [claude-3-5-haiku-latest]}
  local: {type: ollama, base_url: "http://10.0.0.20:11434", models: [llama3]}
  spare: {type: openai_compatible, base_url: "http://10.0.0.21", status: disabled, models: [x]}
exact_matches: {chat: {provider: small, backend_model: m, fallback: local}}
"""


def asked(text: str, name: str, folder: Path) -> dict[str, Any]:
    (folder / "lab.yaml").write_text(text)
    found: dict[str, Any] = questions(
        compile_registry(str(folder), INVENTORY), INVENTORY, name, False
    )
    return json.loads(json.dumps(found))  # it has to suit JSON


def test_each_host_is_asked_what_concerns_it(tmp_path: Path) -> None:
    told = asked(REGISTRY, "small", tmp_path)
    assert list(told["hosts"]) == ["gw", "gpu01", "gpu02"]
    gateway = told["hosts"]["gw"]["gateway"]
    assert [one["url"] for one in gateway["targets"]] == [
        "http://10.0.0.11:8081/v1",
        "http://10.0.0.12:8081/v1",
    ]
    assert gateway["variables"] == ["SMALL_KEY"]
    assert {one.split("/")[0] for one in gateway["deployments"]} == {"~small@gpu01", "~small@gpu02"}
    own = told["hosts"]["gpu02"]["instance"]
    assert (own["unit"], own["port"], own["gpus"]) == ("llama-server-small.service", 8081, [0])
    assert own["gateways"] == ["10.0.0.10"]
    assert told["hosts"]["gw"]["instance"] == {}


SLOT = """
providers:
  day: {type: llama_cpp, deploy: {hosts: gpu01, port: 1, slot: s}, models: [SMALL]}
  night: {type: llama_cpp, deploy: {hosts: gpu01, port: 2, slot: s}, models: [LARGE]}
""".replace("[SMALL]", "[{name: a, source: {path: /a.gguf}}]").replace(
    "[LARGE]", "[{name: b, source: {path: /b.gguf}}]"
)
RAY = """
providers:
  big: {type: vllm, deploy: {hosts: gpus, distributed: ray}, models: [MODEL]}
""".replace("[MODEL]", "[{name: b, source: {path: /b}}]")


def test_who_waits_in_a_slot_is_told_with_who_runs(tmp_path: Path) -> None:
    told = asked(SLOT, "night", tmp_path)
    (status,) = [one for one in told["rows"] if one["check"] == "status"]
    assert (status["fault"], status["about"]["runs"]) == ("parked", "day")
    assert faults(asked(SLOT, "day", tmp_path))["status"] == ""


def test_of_a_cluster_the_first_host_answers_and_all_units_are_looked_at(tmp_path: Path) -> None:
    told = asked(RAY, "big", tmp_path)
    assert told["about"]["hosts"] == ["gpu01", "gpu02"]
    assert [one["host"] for one in told["hosts"]["gw"]["gateway"]["targets"]] == ["gpu01"]
    head, worker = (told["hosts"][host]["instance"] for host in ("gpu01", "gpu02"))
    assert (head["answers"], len(head["units"])) == (True, 2)
    assert (worker["answers"], worker["units"]) == (False, ["vllm-ray-worker-big.service"])


@pytest.mark.parametrize(
    ("provider", "url", "health"),
    [
        ("claude", "https://api.anthropic.com/v1/models?limit=1000", ""),
        ("local", "http://10.0.0.20:11434/api/tags", "http://10.0.0.20:11434/api/version"),
        ("spare", "http://10.0.0.21/v1/models", "http://10.0.0.21/v1/models"),
    ],
)
def test_each_type_is_asked_in_its_own_way(
    tmp_path: Path, provider: str, url: str, health: str
) -> None:
    told = asked(REGISTRY, provider, tmp_path)
    (target,) = told["hosts"]["gw"]["gateway"]["targets"]
    assert (target["models_url"], target["health"]) == (url, health)


CLOUD = """
providers:
  amazon: {type: bedrock, models: [anthropic.claude-v2]}
  google: {type: vertex_ai, models: [gemini-pro]}
  azure: {type: azure, base_url: "https://x.openai.azure.com", models: [own-name]}
  azure1: {type: azure, base_url: "https://x.openai.azure.com/openai/v1/", models: [own-name]}
  odd: {type: azure, base_url: "https://x.lab/behind/a/gateway", models: [own-name]}
"""
CLOUDS = [
    ("amazon", ("", "AWS_REGION_NAME"), ""),
    ("google", ("", "VERTEXAI_LOCATION"), ""),
    ("azure", ("https://x.openai.azure.com", ""), "/openai/models?api-version=2024-10-21"),
    ("azure1", ("https://x.openai.azure.com/openai/v1", ""), "/models"),
    ("odd", ("https://x.lab/behind/a/gateway", ""), ""),
]


@pytest.mark.parametrize(("provider", "where", "models"), CLOUDS)
def test_a_cloud_is_asked_where_litellm_asks_it(
    tmp_path: Path, provider: str, where: tuple[str, str], models: str
) -> None:
    (target,) = asked(CLOUD, provider, tmp_path)["hosts"]["gw"]["gateway"]["targets"]
    assert (target["url"].rstrip("/"), target["region"]) == where
    assert target["models_url"] == (f"{where[0]}{models}" if models else "")


@pytest.mark.parametrize(
    ("way", "region", "url"),
    [
        ("bedrock", "eu-central-1", "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("bedrock", "cn-north-1", "https://bedrock-runtime.cn-north-1.amazonaws.com.cn"),
        ("bedrock", "us-iso-east-1", ""),
        ("bedrock", "evil.example/", ""),
        ("bedrock", "", ""),
        ("vertex_ai", "us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("vertex_ai", "global", "https://aiplatform.googleapis.com"),
        ("vertex_ai", "eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("openai", "eu", ""),
    ],
)
def test_a_region_makes_the_address(tmp_path: Path, way: str, region: str, url: str) -> None:
    looker = from_gateway.FromGateway({"targets": []}, tmp_path)
    looker.values = {"R": region}
    assert looker._with_address({"url": "", "way": way, "region": "R"})["url"] == url
    own = {"AWS_BEDROCK_RUNTIME_ENDPOINT": "https://vpce.lab"}
    assert regions.address("bedrock", "x", own) == "https://vpce.lab"


def faults(told: dict[str, Any]) -> dict[str, str]:
    return {one["check"]: one["fault"] for one in told["rows"]}


def test_the_registry_itself_is_looked_at(tmp_path: Path) -> None:
    assert faults(asked(REGISTRY, "small", tmp_path)) == {"entry": "", "status": "", "routes": ""}
    assert faults(asked(REGISTRY, "spare", tmp_path))["status"] == "not_served"
    broken = REGISTRY + "capabilities: {chatting: {provider: nobody}}\n"
    assert faults(asked(broken, "small", tmp_path))["entry"] == "others"
    wrong = REGISTRY.replace("hosts: gpus", "hosts: gpsu")
    assert faults(asked(wrong, "small", tmp_path))["entry"] == "unsound"
    assert faults(asked(wrong, "local", tmp_path))["entry"] == "others"


def test_a_provider_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    told = asked(REGISTRY, "smal", tmp_path)
    assert told == {"problem": "No provider 'smal' in the registry. Did you mean 'small'?"}
    assert "There are: small, claude" in asked(REGISTRY, "zzz", tmp_path)["problem"]


REFUSED = [
    ("odd: {type: opneai, base_url: 'http://10.0.0.9:8000/v1', models: [m]}", "opneai", 1),
    ("odd: {type: openai_compatible, bse_url: 'http://10.0.0.9/v1', models: [m]}", "bse_url", 0),
    ("odd: {type: openai_compatible, base_url: 7, models: [m]}", "base_url", 0),
    ("odd: {type: openai_compatible, base_url: 'http://[::1', models: [m]}", "base_url", 0),
    ("odd: just words", "odd", 0),
]


@pytest.mark.parametrize(("entry", "word", "targets"), REFUSED)
def test_an_entry_that_is_refused_is_asked_what_can_be_asked(
    tmp_path: Path, entry: str, word: str, targets: int
) -> None:
    told = asked(f"providers:\n  {entry}\n", "odd", tmp_path)
    assert told["problem"] == ""
    (own,) = told["rows"]
    assert (own["check"], own["fault"], word in own["seen"]) == ("entry", "unsound", True), own
    gateway = told["hosts"]["gw"]["gateway"]
    assert [one["url"] for one in gateway["targets"]] == ["http://10.0.0.9:8000/v1"] * targets
    looker = from_gateway.FromGateway(gateway, tmp_path)
    assert {name for name, _ask in looker.asks()} >= {"gateway", "keys"}
    said = {"gw": {"rows": [], "skew": [0.0, 1.0]}}
    found = diagnosis(told, said)
    assert found["cause"].startswith("The registry has an error in it: "), found
    assert "check.yml" in found["fix"]


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_is_open_or_refused(listening: int) -> None:
    assert network.port("127.0.0.1", listening)["ok"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert network.port("127.0.0.1", free)["fault"] == "refused"
    assert network.port("nobody.invalid", free)["ok"] is None


def test_a_name_has_an_address_or_not() -> None:
    assert network.dns("10.0.0.1", 80)["seen"] == "it is one"
    assert network.dns("localhost", 80)["ok"]
    # Without any DNS server the answer is another one, and as true.
    assert network.dns("nobody.invalid", 80)["fault"] in ("no_such_name", "no_server")
    assert network.dns("a" * 70 + ".lab", 80)["fault"] in ("no_such_name", "no_server", "failed")


TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 998 0 12345 1
   1: 0B00000A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 998 0 12346 1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0 0 12347 1
"""
TABLE6 = """  sl  local_address remote_address st
   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0 0 0 9 0 1
   1: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 0 0 0 9 0 1
"""


def test_who_listens_where_is_read_from_proc() -> None:
    assert network.listeners(8080, TABLE) == ["127.0.0.1", "10.0.0.11"]
    assert network.listeners(8080, TABLE6) == ["::"]
    assert network.listeners(8081, TABLE6) == ["::1"]
    assert network.listeners(9, TABLE) == []


@pytest.mark.parametrize(
    ("listened", "address", "takes"),
    [
        (["0.0.0.0"], "10.0.0.1", True),
        (["127.0.0.1"], "10.0.0.1", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["10.0.0.1"], "gpu01.lab", True),
        (["127.0.0.1"], "gpu01.lab", False),
        ([], "10.0.0.1", False),
    ],
)
def test_whether_a_connection_is_taken(listened: list[str], address: str, takes: bool) -> None:
    assert network.takes(listened, address) is takes


def tls_pem(name: str, begins: int, ends: int) -> str:
    """A key and a certificate that is signed by itself; days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=begins))
        .not_valid_after(now + datetime.timedelta(days=ends))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return (secret + made.public_bytes(serialization.Encoding.PEM)).decode()


class Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        pass


@pytest.mark.parametrize(
    ("name", "begins", "ends", "trusted", "fault", "words"),
    [
        ("localhost", -30, 100, True, "", "trusted, 99 days left"),
        ("localhost", -30, 5, True, "expires_soon", "4 days left"),
        ("localhost", -30, -2, True, "expired", "it has expired"),
        ("localhost", 3, 100, True, "not_yet_valid", "it is not valid yet"),
        ("other.lab", -30, 100, True, "wrong_name", "for other.lab"),
        ("localhost", -30, 100, False, "self_signed", "signed by itself alone (99 days left"),
    ],
)
def test_a_certificate_that_a_real_server_shows(
    tmp_path: Path, name: str, begins: int, ends: int, trusted: bool, fault: str, words: str
) -> None:
    pem = tmp_path / "tls.pem"
    pem.write_text(tls_pem(name, begins, ends))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        authorities = str(pem) if trusted else ""
        found = certificate.certificate("localhost", server.server_port, authorities)
    finally:
        server.shutdown()
        server.server_close()
    assert (found["fault"], words in found["seen"]) == (fault, True), found["seen"]


class Patient(socketserver.StreamRequestHandler):
    """As llama-server does: it waits for the end of a line, however long that takes."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.0 404 Not Found\r\n\r\n")


@pytest.mark.parametrize("handler", [Silent, Patient])
def test_a_server_without_tls_is_told(handler: type[socketserver.BaseRequestHandler]) -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        port = server.server_address[1]
        assert certificate.certificate("localhost", port, seconds=0.5)["fault"] == "not_tls"
    finally:
        server.shutdown()
        server.server_close()


def test_the_authorities_are_those_that_litellm_trusts(tmp_path: Path) -> None:
    bundle = tmp_path / "lib/python3.11/site-packages/certifi/cacert.pem"
    bundle.parent.mkdir(parents=True)
    bundle.touch()
    assert certificate.authorities_of(tmp_path, {}) == str(bundle)
    assert certificate.authorities_of(tmp_path, {"SSL_CERT_FILE": "/x.pem"}) == "/x.pem"


@pytest.mark.parametrize(
    ("said", "way", "listed"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, "openai", {"a": "", "b": ""}),
        ({"models": [{"name": "llama3:latest"}]}, "ollama", {"llama3:latest": ""}),
        ({"models": [{"name": "models/gemini-pro"}]}, "gemini", {"gemini-pro": ""}),
        (
            {"data": [{"id": "a", "status": {"value": "unloaded", "failed": True}}]},
            "openai",
            {"a": "failed"},
        ),
        ({"data": "no list"}, "openai", None),
        ([], "openai", None),
    ],
)
def test_a_list_of_models_is_read(said: Any, way: str, listed: Any) -> None:
    assert answers.listed(said, way) == listed


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("llama3:8b", True),
        ("mistral", True),
        ("claude-3-5-haiku-latest", True),
        ("llama3:latest", False),
        ("latest", False),
    ],
)
def test_what_stands_for_a_name_in_a_list(name: str, found: bool) -> None:
    listed = {"llama3:8b": "", "mistral:latest": "", "claude-3-5-haiku-20241022": ""}
    assert answers.has(listed, name) is found


@pytest.mark.parametrize(
    ("way", "sent"),
    [
        ("openai", {"Authorization": "Bearer k", "X-Team": "t"}),
        ("anthropic", {"x-api-key": "k", "anthropic-version": "2023-06-01", "X-Team": "t"}),
        ("gemini", {"x-goog-api-key": "k", "X-Team": "t"}),
    ],
)
def test_a_key_goes_where_its_type_wants_it(way: str, sent: dict[str, str]) -> None:
    target = {"way": way, "headers": {"X-Team": "os.environ/TEAM"}}
    assert answers.headers(target, "k", {"TEAM": "t"}) == sent


def test_of_a_journal_the_lines_that_tell_are_shown() -> None:
    lines = ["loading model", "error: something", "cudaMalloc failed: out of memory", "main: exit"]
    assert instance.telling(lines) == ["cudaMalloc failed: out of memory"]
    assert instance.telling(lines[:2]) == ["error: something"]
    assert instance.telling(["all is well", "0 errors"]) == []


def test_what_hangs_or_breaks_does_not_cost_the_others() -> None:
    never = threading.Event()

    def hangs() -> rows.Row:
        never.wait(60)
        return rows.row("a", "a", "", "")

    def breaks() -> rows.Row:
        raise ValueError("no")

    begun = time.monotonic()
    found = rows.side_by_side(
        [("a", hangs), ("b", breaks), ("c", lambda: rows.row("c", "c", "", "well"))], 0.3
    )
    assert time.monotonic() - begun < 5
    assert [(one["check"], one["ok"]) for one in found] == [("a", None), ("b", None), ("c", True)]
    never.set()
