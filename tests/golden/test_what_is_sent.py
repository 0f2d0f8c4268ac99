"""What reaches an upstream: its own key, its own headers, the right path; and nobody else's key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import PROVIDER_TYPES
from tools.real_litellm import real_litellm

pytestmark = pytest.mark.litellm

HERE = Path(__file__).parent
# Keys that LiteLLM takes from the environment where a deployment has none of its own.
STRAYS = [
    *(row.key_variable for row in PROVIDER_TYPES.values() if row.key_variable),
    *("HOSTED_VLLM_API_KEY", "LM_STUDIO_API_KEY", "OLLAMA_API_KEY", "OPENAI_LIKE_API_KEY"),
    *("ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY", "AZURE_AD_TOKEN"),
]
SIGNED = ("bedrock/", "vertex_ai/")  # they talk to their cloud before they talk to the model


def sent(case: str) -> dict[str, Any]:
    config = yaml.safe_load((HERE / case / "config.yaml").read_text())
    config["model_list"] = [
        entry
        for entry in config["model_list"]
        if not entry["litellm_params"]["model"].startswith(SIGNED)
    ]
    found = {}
    for identity, requests in real_litellm().sent(config, STRAYS).items():
        assert requests, f"{identity}: nothing was sent"
        headers = {key.lower(): value for key, value in requests[0]["headers"].items()}
        found[identity] = {"path": requests[0]["path"].split("?")[0], "headers": headers}
    return found


@pytest.mark.parametrize("case", ["every_type", "headers", "modes"])
def test_nobody_is_sent_a_stray_key(case: str) -> None:
    for identity, request in sent(case).items():
        assert "stray-" not in str(request), identity


def test_paths_are_those_of_the_engines() -> None:
    paths = {identity: request["path"] for identity, request in sent("every_type").items()}
    chat = "/v1/chat/completions"
    assert paths["~a-ollama/ollama-m"] == "/api/chat"
    assert paths["~a-custom-ollama/custom-ollama-m"] == "/api/chat"
    assert paths["~a-compatible/compatible-m"] == "/api/v3/chat/completions"
    assert paths["~anthropic/claude-3-opus-20240229"] == "/v1/messages"
    assert paths["~a-custom-anthropic/custom-claude"] == "/v1/messages"
    assert paths["~groq/groq-m"] == f"/openai{chat}"
    assert paths["~openrouter/meta-llama/llama-3.1-8b-instruct"] == f"/api{chat}"
    assert paths["~azure/azure-gpt"] == "/openai/deployments/azure-gpt/chat/completions"
    for one in ("vllm", "llama-cpp", "llama-cpp-python", "sglang", "tgi", "lm-studio", "webui"):
        assert paths[f"~a-{one}/{one}-m"] == chat
    assert "/v1/v1" not in str(paths)


def test_models_of_other_modes_are_asked_in_their_way() -> None:
    paths = {identity: request["path"] for identity, request in sent("modes").items()}
    assert paths["~ollama/nomic-embed-text"] == "/api/embed"
    assert paths["~ollama/base-o"] == "/api/generate"
    assert paths["~vllm/bge-m3"] == "/v1/embeddings"
    assert paths["~vllm/base-v"] == "/v1/completions"
    assert paths["~studio/nomic-embed-text"] == "/v1/embeddings"


# id, header, value
HEADERS = [
    ("~bearer/bearer-m", "authorization", "Bearer own-CUSTOM_API_KEY"),
    ("~header/header-m", "x-api-key", "own-HEADER_KEY"),
    ("~header/header-m", "x-team", "lab: one, #2"),
    ("~composed/composed-m", "authorization", "own-LLM_HEADER_COMPOSED_AUTHORIZATION_3B70C791"),
    ("~both/both-m", "authorization", "Bearer own-BOTH_KEY"),
    ("~both/both-m", "x-org", "own-LLM_HEADER_BOTH_X_ORG_F68FA497"),
    ("~open/open-m", "authorization", "Bearer no-key-needed"),
    (
        "~vllm-token/vllm-token-m",
        "authorization",
        "own-LLM_HEADER_VLLM_TOKEN_AUTHORIZATION_3F82D6B8",
    ),
    (
        "~claude-proxy/claude-proxied",
        "authorization",
        "own-LLM_HEADER_CLAUDE_PROXY_AUTHORIZATION_CCA9FD7C",
    ),
]


@pytest.fixture(scope="module")
def with_headers() -> dict[str, Any]:
    return sent("headers")


@pytest.mark.parametrize(("identity", "header", "value"), HEADERS)
def test_headers_arrive_as_declared(
    identity: str, header: str, value: str, with_headers: dict[str, Any]
) -> None:
    assert with_headers[identity]["headers"][header] == value
