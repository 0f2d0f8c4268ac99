# ruff: noqa: E501 - one line a case
"""Which variable reaches which provider, and that none reaches another."""

from __future__ import annotations

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.credentials import (
    credentials,
    header_variable,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.provider_types import PROVIDER_TYPES

BEARER = {"Authorization": "Bearer ${TOKEN}"}

# type, what is declared, the key's variable, headers as sent, all variables that people supply
CASES = [
    ("vllm", {}, "", {}, ()),
    ("vllm", {"env_var": "A"}, "A", {}, ("A",)),
    ("vllm", {"env_vars": ["A"]}, "A", {}, ("A",)),
    ("openai", {}, "OPENAI_API_KEY", {}, ("OPENAI_API_KEY",)),
    ("openai", {"env_var": "A"}, "A", {}, ("A",)),
    ("openai", {"needs_key": False}, "", {}, ()),
    ("custom", {"headers": BEARER}, "TOKEN", {}, ("TOKEN",)),
    ("custom", {"headers": {"authorization": "Bearer ${TOKEN}"}}, "TOKEN", {}, ("TOKEN",)),
    ("custom", {"headers": BEARER, "env_var": "TOKEN"}, "TOKEN", {}, ("TOKEN",)),
    ("custom", {"headers": {"X-Key": "${K}"}}, "", {"X-Key": "os.environ/K"}, ("K",)),
    ("custom", {"headers": {"X-Key": "${K}"}, "env_var": "K"}, "", {"X-Key": "os.environ/K"}, ("K",)),
    ("openai", {"headers": {"X-Key": "${K}"}}, "", {"X-Key": "os.environ/K"}, ("K",)),
    ("custom", {"headers": {"X-Team": "lab"}}, "", {"X-Team": "lab"}, ()),
    ("custom", {"headers": {"X-T": "a ${K}"}}, "", {"X-T": "os.environ/LLM_HEADER_P_1_X_T_7A31875F"}, ("K",)),
    ("anthropic", {"headers": BEARER}, "", {"Authorization": "os.environ/LLM_HEADER_P_1_AUTHORIZATION_DD13374C"}, ("TOKEN",)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "declared", "key", "headers", "variables"), CASES)
def test_what_a_provider_is_sent(kind, declared, key, headers, variables) -> None:
    sent = credentials("p.1", PROVIDER_TYPES[kind], **declared)
    assert (sent.key, dict(sent.headers), sent.variables) == (key, headers, variables)


SIGNED = [
    ({}, "", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION_NAME"]),
    ({"env_vars": ["EU_AWS_REGION"]}, "", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "EU_AWS_REGION"]),
    ({"env_var": "MY_TOKEN"}, "MY_TOKEN", ["AWS_REGION_NAME"]),
    ({"env_vars": ["AWS_BEARER_TOKEN_BEDROCK"]}, "AWS_BEARER_TOKEN_BEDROCK", ["AWS_REGION_NAME"]),
    ({"needs_key": False}, "", ["AWS_REGION_NAME"]),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "key", "parameters"), SIGNED)
def test_what_signs_a_request(declared, key, parameters) -> None:
    sent = credentials("aws", PROVIDER_TYPES["bedrock"], **declared)
    assert sent.key == key
    assert list(sent.parameters.values()) == parameters


def test_a_composed_header_names_its_provider_and_header() -> None:
    name = header_variable("gpu-1.lab", "X-Api-Key", "a ${K}")
    assert name == "LLM_HEADER_GPU_1_LAB_X_API_KEY_7A31875F"
    sent = credentials("p", PROVIDER_TYPES["vllm"], headers={"X-T": "a ${K} b"})
    assert sent.composed == {header_variable("p", "X-T", "a ${K} b"): "a ${K} b"}


def test_another_text_of_a_header_is_kept_beside_the_one_before() -> None:
    assert header_variable("p", "X", "a ${K}") != header_variable("p", "X", "b ${K}")
