"""Our own proof of the real proxy, with every kind of rule in its configuration: what is listed,
each name, each wildcard by a name that it stands for, each first hop, each deployment by its id."""

from __future__ import annotations

import copy
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.asking import Asker
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe import Proof
from ansible_collections.lab.llm.plugins.module_utils.gateway.questions import Questions
from tools.real_litellm import litellm_python
from tools.upstream import Upstream

pytestmark = pytest.mark.litellm

HERE = Path(__file__).parent
CASES = ("patterns", "capabilities", "default_provider")
KEY = "sk-of-the-test"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The address of one who stands in for all providers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module", params=CASES)
def proven(
    request: pytest.FixtureRequest, upstream: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Compiled, Asker]]:
    """A case's registry, and the proxy that serves its configuration."""
    case = HERE / request.param
    told = case / "inventory.json"
    inventory = json.loads(told.read_text()) if told.exists() else {}
    compiled = compile_registry(str(case / "registry"), Inventory(**inventory))
    file = tmp_path_factory.mktemp("proxy") / "config.yaml"
    file.write_text(yaml.safe_dump(_at(compiled, upstream)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = litellm_python().with_name("litellm")
    words = [str(program), "--config", str(file), "--port", str(port), "--host", "127.0.0.1"]
    own = {"LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment = {**os.environ, **own, "LITELLM_MODE": "PRODUCTION"}
    process = subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    asker = Asker(f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {KEY}"})
    try:
        until = time.monotonic() + 180
        while asker.ask("/health/liveliness").status != 200:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.2)
        yield compiled, asker
    finally:
        process.terminate()
        process.wait(30)


def _at(compiled: Compiled, base: str) -> dict[str, Any]:
    """The configuration with one address for all, spoken to as OpenAI."""
    config: dict[str, Any] = copy.deepcopy(compiled.gateway_config or {})
    for entry in config["model_list"]:
        params = entry["litellm_params"]
        params["model"] = "openai/" + params["model"].split("/", 1)[1]
        params |= {"api_base": f"{base}/v1", "api_key": "none"}
    config["general_settings"]["dangerously_allow_mock_testing_request_params"] = True
    return config


def test_every_rule_is_proven(proven: tuple[Compiled, Asker]) -> None:
    compiled, asker = proven
    probes = {**compiled.probes, "health": []}  # nobody is at those addresses
    checks = Proof(asker, Questions(probes=probes, secrets={})).run()
    assert [row for row in checks if not row["ok"]] == []
    asked = {row["check"] for row in checks}
    assert {row["model"] for row in compiled.probes["completions"]} <= asked
    by_id = {row["id"] for row in compiled.probes["deployments"] if not row.get("by_name")}
    assert by_id <= asked


def test_a_name_that_is_not_served_is_missed(proven: tuple[Compiled, Asker]) -> None:
    compiled, asker = proven
    probes = {"models": [*compiled.probes["models"], "nobody"], "wildcards": ["x/*"]}
    (listing,) = Proof(asker, Questions(probes=probes, secrets={})).run()
    assert not listing["ok"]
    assert "missing: nobody" in listing["seen"]
