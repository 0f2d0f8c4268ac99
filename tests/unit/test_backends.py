# ruff: noqa: E501 - one line a case
"""Where our own backends listen, and how the gateway reaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry

ADDRESSES = {
    "gw": "10.0.0.1",
    "gw2": "10.0.0.2",
    "g4": "10.0.0.11",
    "g6": "fd00::6",
    "gn": "gn.lab",
}
ONE = Inventory({"gateway": ["gw"], "gpus": ["g4", "g6"]}, ADDRESSES)
TWO = Inventory({"gateway": ["gw", "gw2"]}, ADDRESSES)
NONE = Inventory({}, ADDRESSES)


def spec(tmp_path: Path, inventory: Inventory, deploy: str, more: str = "") -> dict[str, Any]:
    source = "{url: 'https://h/m.gguf', sha256: " + "ab" * 32 + "}"
    (tmp_path / "lab.yaml").write_text(
        f"providers:\n  p: {{type: llama_cpp, deploy: {deploy}{more},"
        f" models: [{{name: m, source: {source}}}]}}\n"
    )
    found = compile_registry(str(tmp_path), inventory)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    base = found.gateway_config["model_list"][0]["litellm_params"]["api_base"]
    return next(iter(found.services.values()))[0] | {"base": base}


# inventory, deploy, what it listens on, base for the gateway
PLACES = [
    (ONE, "{hosts: g4}", "10.0.0.11", "http://10.0.0.11:8080/v1"),
    (ONE, "{hosts: g6, port: 9}", "fd00::6", "http://[fd00::6]:9/v1"),
    (ONE, "{hosts: gn}", "0.0.0.0", "http://gn.lab:8080/v1"),
    (ONE, "{hosts: g4, bind: 0.0.0.0}", "0.0.0.0", "http://10.0.0.11:8080/v1"),
    (ONE, "{hosts: gw}", "127.0.0.1", "http://127.0.0.1:8080/v1"),
    (ONE, "{hosts: gw, bind: 10.0.0.1}", "10.0.0.1", "http://10.0.0.1:8080/v1"),
    (ONE, "{hosts: gw, bind: 0.0.0.0}", "0.0.0.0", "http://127.0.0.1:8080/v1"),
    (TWO, "{hosts: gw}", "10.0.0.1", "http://10.0.0.1:8080/v1"),
    (NONE, "{hosts: gw}", "10.0.0.1", "http://10.0.0.1:8080/v1"),
]


@pytest.mark.parametrize(("inventory", "deploy", "bind", "base"), PLACES)
def test_it_listens_for_the_gateway_and_no_more(
    tmp_path: Path, inventory: Inventory, deploy: str, bind: str, base: str
) -> None:
    found = spec(tmp_path, inventory, deploy)
    assert (found["bind"], found["base"]) == (bind, base)
    assert found["health_url"] == base.removesuffix("/v1") + "/health"


def test_a_spec_says_all_that_a_role_needs(tmp_path: Path) -> None:
    deploy = "{hosts: gpus, version: b1, gpus: [0, 1], options: {ctx_size: 2048, lora: [a, b]}}, env_var: KEY"
    found = spec(tmp_path, ONE, deploy)
    assert {key: found[key] for key in ("provider", "engine", "host", "version", "gpus", "options")} == {
        "provider": "p", "engine": "llama_cpp", "host": "g4", "version": "b1", "gpus": [0, 1],
        "options": {"ctx_size": 2048, "lora": ["a", "b"]},
    }  # fmt: skip
    assert found["key_variable"] == "KEY"
    assert found["overcommit"] is False
    assert found["unit"] == "llama-server-p.service"
    assert found["models"] == [{
        "name": "m", "mode": "chat", "size": None, "context_length": None,
        "source": {"url": "https://h/m.gguf", "sha256": "ab" * 32}, "options": {},
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "gpus"), [("", None), (", gpus: []", []), (", gpus: [1]", [1])]
)
def test_no_gpu_is_another_thing_than_nothing_said(
    tmp_path: Path, written: str, gpus: list[int] | None
) -> None:
    assert spec(tmp_path, ONE, f"{{hosts: g4{written}}}")["gpus"] == gpus


def test_what_is_not_rendered_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "providers:\n  p: {type: llama_cpp, status: disabled, deploy: {hosts: g4}, models: [m]}\n"
        "  q: {type: vllm, base_url: 'http://q', models: [m]}\n"
    )
    assert compile_registry(str(tmp_path), ONE).services == {}


def test_a_cluster_is_one_deployment_whose_first_host_is_asked(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "providers:\n  big: {type: vllm, deploy: {hosts: gpus, distributed: ray},"
        " models: [{name: m, source: {path: /m}}]}\n"
        "  gguf: {type: llama_cpp, deploy: {hosts: g4}, models: [{name: n, source: {path: /n}}]}\n"
    )
    inventory = Inventory({"gateway": ["gw"], "gpus": ["g4", "g6"]}, ADDRESSES)
    found = compile_registry(str(tmp_path), inventory)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    entry = found.gateway_config["model_list"][0]
    assert entry["litellm_params"]["api_base"] == "http://10.0.0.11:8000/v1"
    assert "@" not in entry["model_info"]["id"]
    assert list(found.services) == ["g6", "g4"], "a head waits, so its host is the last"
    (worker,), (head, _) = found.services["g6"], found.services["g4"]
    assert (head["unit"], worker["unit"]) == ("vllm-big.service", "vllm-ray-worker-big.service")
    assert head["ray"] == {
        "is_head": True,
        "head": "10.0.0.11",
        "address": "10.0.0.11",
        "nodes": ["10.0.0.11", "fd00::6"],
        "unit": "vllm-ray-head-big.service",
    }
    assert (worker["ray"]["is_head"], worker["ray"]["address"]) == (False, "fd00::6")
