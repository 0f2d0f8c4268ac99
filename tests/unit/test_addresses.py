"""Bases and endpoints: whatever people write, LiteLLM gets the form that it wants."""

from __future__ import annotations

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.addresses import (
    api_base,
    endpoint_in,
    health_url,
    host_url,
    is_address,
    origin,
)

BASES = [
    ("http://h:1", "v1", "http://h:1/v1"),
    ("http://h:1/", "v1", "http://h:1/v1"),
    ("http://h:1/v1", "v1", "http://h:1/v1"),
    ("http://h:1/v1/", "v1", "http://h:1/v1"),
    ("http://h:1/v1//", "v1", "http://h:1/v1"),
    ("https://h/api/v3", "v1", "https://h/api/v3"),
    ("https://h/v1beta/openai", "v1", "https://h/v1beta/openai"),
    ("https://h/team-v1", "v1", "https://h/team-v1/v1"),
    ("https://api.groq.com/openai", "v1", "https://api.groq.com/openai/v1"),
    ("http://[fd00::1]:8000", "v1", "http://[fd00::1]:8000/v1"),
    ("http://h:11434", "root", "http://h:11434"),
    ("http://h:11434/v1/", "root", "http://h:11434"),
    ("http://h:11434/api", "root", "http://h:11434"),
    ("https://proxy/ollama/v1", "root", "https://proxy/ollama"),
    ("https://x.openai.azure.com/openai/v1/", "root", "https://x.openai.azure.com"),
    ("https://api.deepseek.com/", "as given", "https://api.deepseek.com"),
]


@pytest.mark.parametrize(("written", "form", "rendered"), BASES)
def test_a_base_takes_its_form_and_keeps_it(written: str, form: str, rendered: str) -> None:
    assert api_base(written, form) == rendered
    assert api_base(rendered, form) == rendered


HEALTH = [
    ("http://h:1", "/health", "http://h:1/health"),
    ("http://h:1/v1", "/health", "http://h:1/health"),
    ("http://h:1", "/v1/models", "http://h:1/v1/models"),
    ("http://h:1/v1/", "v1/models", "http://h:1/v1/models"),
    ("https://api.groq.com/openai/v1", "/v1/models", "https://api.groq.com/openai/v1/models"),
    ("https://api.deepseek.com/beta", "/v1/models", "https://api.deepseek.com/v1/models"),
    ("http://h:1", "http://other:2/ok", "http://other:2/ok"),
]


@pytest.mark.parametrize(("base", "endpoint", "url"), HEALTH)
def test_a_health_endpoint_is_below_the_server(base: str, endpoint: str, url: str) -> None:
    assert health_url(base, endpoint) == url


@pytest.mark.parametrize(
    ("base", "ending"),
    [
        ("http://h/v1/chat/completions", "/chat/completions"),
        ("http://h/v1/models/", "/models"),
        ("http://h/v1", ""),
        ("http://models", ""),
        ("", ""),
    ],
)
def test_an_endpoint_is_told_from_a_base(base: str, ending: str) -> None:
    assert endpoint_in(base) == ending


def test_hosts_and_ports() -> None:
    assert host_url("10.0.0.1", 8001, "/v1") == "http://10.0.0.1:8001/v1"
    assert host_url("fd00::1", 8001) == "http://[fd00::1]:8001"
    assert is_address("fd00::1")
    assert not is_address("gpu01.lab")
    assert origin("HTTP://Host:1/x") == "http://host:1"
