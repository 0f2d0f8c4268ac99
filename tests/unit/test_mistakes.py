# ruff: noqa: E501 - one line a case
"""Mistakes that people make, each with the place and the words that it gets. One line a case."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils import compile as compiler

BASE = """\
providers:
  ollama:
    type: ollama
    base_url: http://127.0.0.1:11434
    status: active
    features: [chat, code]
    models:
      - name: llama3
        size: "8B"
        context_length: 8192
      - name: nomic
        mode: embedding
  cloud:
    type: openai
    env_var: OPENAI_API_KEY
    timeout_seconds: 60
    models: [gpt-4, gpt-4o]
  own:
    type: custom
    base_url: http://gpu.lab:9000/v1
    custom_config:
      auth_method: bearer_token
      headers:
        Authorization: "Bearer ${OWN_KEY}"
    models: [own-model]
exact_matches:
  "gpt-4":
    provider: cloud
    priority: primary
    fallback: llama3
redundant_models:
  shared:
    providers:
      - provider: ollama
        model: llama3
        weight: 0.5
      - provider: own
        weight: 0.5
rate_limit_settings:
  enabled: true
  limits:
    cloud:
      rpm: 100
      models: {gpt-4: {rpm: 40}, gpt-4o: {rpm: 60}}
health_checks:
  ollama:
    endpoint: /api/version
    timeout_seconds: 5
"""
WHOLE = ""  # instead of a part: the whole file is replaced
INVENTORY = compiler.Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "gpu01": "10.0.0.2"})

# what stands in BASE, what is written instead, code, line:column, words of the report
# fmt: off
MISTAKES = [
    # misspelt keys
    ("    status: active", "    statsu: active", "unknown-key", "5:5", "Did you mean 'status'?"),
    ("    base_url: http://127", "    base_ulr: http://127", "unknown-key", "4:5", "'base_url'"),
    ("        context_length: 8192", "        contextlength: 8192", "unknown-key", "10:9", "'context_length'"),
    ("        weight: 0.5", "        wieght: 0.5", "unknown-key", "36:9", "Did you mean 'weight'?"),
    ("    fallback: llama3", "    fallbacks: llama3", "unknown-key", "30:5", "Did you mean 'fallback'?"),
    ("      auth_method: b", "      auth_metod: b", "unknown-key", "22:7", "Did you mean 'auth_method'?"),
    ("health_checks:", "aliases: 3\nhealth_checks:", "wrong-type", "45:10", "a mapping"),
    ("health_checks:", "aliases: yes\nhealth_checks:", "wrong-type", "45:10", "a mapping"),
    ("health_checks:", "routing_rules: {load_balancing: {strategy: [direct]}}\nhealth_checks:", "wrong-type", "45:44", "one of load_balance"),
    ("health_checks:", "routing_rules: {load_balancing: {strategy: {a: b}}}\nhealth_checks:", "wrong-type", "45:44", "text"),
    ("exact_matches:", "exact_match:", "unknown-section", "26:1", "Did you mean 'exact_matches'?"),
    ("health_checks:", "healthchecks:", "unknown-section", "45:1", "Did you mean 'health_checks'?"),
    ("    type: ollama", "    Type: ollama", "unknown-key", "3:5", "Did you mean 'type'?"),
    # keys of other systems
    ("    base_url: http://127", "    api_base: http://127", "unknown-key", "4:5", "Did you mean 'base_url'?"),
    ("    timeout_seconds: 60", "    timeout: 60", "unknown-key", "16:5", "Did you mean 'timeout_seconds'?"),
    ("    timeout_seconds: 60", "    rpm: 60", "unknown-key", "16:5", "rate_limit_settings.limits.<provider>"),
    ("    priority: primary", "    model: gpt-4o", "unknown-key", "29:5", "Did you mean 'backend_model'?"),
    (WHOLE, "model_list:\n  - model_name: a\n", "litellm-section", "1:1", "`providers.<name>.models`"),
    (WHOLE, "router_settings:\n  num_retries: 2\n", "litellm-section", "1:1", "generated"),
    (WHOLE, "litellm_settings: {}\n", "litellm-section", "1:1", "generated"),
    (WHOLE, "general_settings:\n  master_key: sk-1\n", "litellm-section", "1:1", "role `gateway`"),
    (WHOLE, "openai:\n  type: openai\n", "provider-outside-section", "1:1", "'openai:' indented below"),
    # keys that lack or stand alone
    ("    type: ollama\n", "", "missing-key", "2:3", "providers.ollama has no 'type'"),
    ("    provider: cloud\n", "", "missing-key", "27:3", "no 'provider'"),
    ("      - name: nomic\n        mode", "      - mode", "missing-key", "11:9", "no 'name'"),
    ("    models: [own-model]\n", "    models:\n", "wrong-type", "25:12", "has no value"),
    # values
    ("    status: active", "    status: actve", "bad-value", "5:13", "Did you mean 'active'?"),
    ("    type: ollama", "    type: olama", "unknown-provider-type", "3:11", "Did you mean 'ollama'?"),
    ("    priority: primary", "    priority: first", "bad-value", "29:15", "primary, secondary, tertiary"),
    ("        mode: embedding", "        mode: embeddings", "bad-value", "12:15", "'embedding'?"),
    ('        size: "8B"', "        size: 8", "wrong-type", "9:15", 'in quotes such as "7B"'),
    ('        size: "8B"', '        size: "big"', "bad-value", "9:15", 'in quotes such as "7B"'),
    ("        context_length: 8192", "        context_length: 8k", "wrong-type", "10:25", "a whole number"),
    ("        context_length: 8192", '        context_length: "8192"', "wrong-type", "10:25", "without quotes: 8192"),
    ("        context_length: 8192", "        context_length: 0", "bad-value", "10:25", "at least 1"),
    ("        context_length: 8192", "        context_length: 8192.5", "wrong-type", "10:25", "a whole number"),
    ("    timeout_seconds: 60", "    timeout_seconds: -1", "bad-value", "16:22", "above 0"),
    ("    timeout_seconds: 60", "    timeout_seconds: .inf", "wrong-type", "16:22", "a number"),
    ("        weight: 0.5", "        weight: -0.5", "bad-value", "36:17", "at least 0"),
    ("        weight: 0.5", "        weight: 1e-3", "wrong-type", "36:17", "as YAML reads it: 1.0e-3"),
    ("        weight: 0.5", "        weight: 1.5e3", "wrong-type", "36:17", "as YAML reads it: 1.5e+3"),
    ("        weight: 0.5", "        weight: nan", "wrong-type", "36:17", "Expected: a number."),
    ("        weight: 0.5", "        weight: half", "wrong-type", "36:17", "a number"),
    ("  enabled: true", '  enabled: "true"', "wrong-type", "40:12", "true, without quotes"),
    ("    features: [chat, code]", "    features: chat", "wrong-type", "6:15", "a list: [chat]"),
    ("    models: [own-model]", "    models: own-model", "wrong-type", "25:13", "a list"),
    ("    models: [gpt-4, gpt-4o]", "    models: {gpt-4: {}}", "wrong-type", "17:13", "a list"),
    ("      rpm: 100", "      rpm: 100/min", "wrong-type", "43:12", "a whole number"),
    # addresses
    ("http://127.0.0.1:11434", "127.0.0.1:11434", "bad-url", "4:15", "http://127.0.0.1:11434"),
    ("http://127.0.0.1:11434", "http://host:port", "bad-url", "4:15", "the real host and port"),
    ("http://127.0.0.1:11434", "http://${HOST}:11434", "bad-url", "4:15", "contains a variable"),
    ("http://127.0.0.1:11434", "os.environ/OLLAMA", "bad-url", "4:15", "contains a variable"),
    ("http://127.0.0.1:11434", "http://me:pw1@127.0.0.1", "bad-url", "4:15", "holds credentials"),
    ("http://127.0.0.1:11434", "http://127.0.0.1:114340", "bad-url", "4:15", "from 1 to 65535"),
    ("http://127.0.0.1:11434", "htp://127.0.0.1:11434", "bad-url", "4:15", "http:// or https://"),
    ("    endpoint: /api/version", "    endpoint: api/version", "bad-url", "47:15", "such as /api/version"),
    # keys and variables
    ("    env_var: OPENAI_API_KEY", "    env_var: ${OPENAI_API_KEY}", "bad-variable-name", "15:14", "only the variable's name: OPENAI_API_KEY"),
    ("    env_var: OPENAI_API_KEY", "    env_var: os.environ/OPENAI_API_KEY", "bad-variable-name", "15:14", "name: OPENAI_API_KEY"),
    ("    env_var: OPENAI_API_KEY", "    env_var: OPENAI-API-KEY", "bad-variable-name", "15:14", "no variable can be called"),
    ("    env_var: OPENAI_API_KEY", "    env_var: pw-Zx81secretvalue99", "bad-variable-name", "15:14", "only the variable's name, such as OPENAI_API_KEY"),
    ("    env_var: OPENAI_API_KEY", "    env_var: $Zx81secret", "bad-variable-name", "15:14", "not shown here"),
    ("    env_var: OPENAI_API_KEY", "    env_var: ${Zx81secret}", "bad-variable-name", "15:14", "not shown here"),
    ("    env_var: OPENAI_API_KEY", "    env_var: env:OPENAI_API_KEY", "bad-variable-name", "15:14", "name: OPENAI_API_KEY"),
    ("    env_var: OPENAI_API_KEY", "    env_var: Zx81" + "_secret" * 20, "literal-secret", "15:14", "NAME of an environment variable"),
    ("    env_var: OPENAI_API_KEY", "    env_vars: [ok, Zx81-secret]", "bad-variable-name", "15:20", "not shown here"),
    ("    env_var: OPENAI_API_KEY", "    env_var: 81818181", "wrong-type", "15:14", "not shown here"),
    ("    env_var: OPENAI_API_KEY", "    env_var: 2026-11-22", "wrong-type", "15:14", "not shown here"),
    ("    env_var: OPENAI_API_KEY", "    env_var: sk-proj-Zx81Zx81Zx81", "literal-secret", "15:14", "NAME of an environment variable"),
    ("    env_var: OPENAI_API_KEY", "    api_key: sk-proj-Zx81Zx81Zx81", "literal-secret", "15:5", "`env_var: NAME`"),
    ("    env_var: OPENAI_API_KEY", "    api_key: ${OPENAI_API_KEY}", "unknown-key", "15:5", "`env_var: NAME`"),
    ("    env_var: OPENAI_API_KEY", "    env_var: NO", "wrong-type", "15:14", "which YAML reads as false"),
    ("Bearer ${OWN_KEY}", "Bearer Zx81Zx81Zx81", "literal-secret", "24:24", "${CUSTOM_API_KEY}"),
    ("Bearer ${OWN_KEY}", "Bearer $OWN_KEY", "bad-header", "24:24", "${NAME}"),
    ("Bearer ${OWN_KEY}", "Bearer {{ own_key }}", "literal-secret", "24:24", "${CUSTOM_API_KEY}"),
    # options of what we run
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {host: a}}", "unknown-key", "4:38", "stands at `deploy.bind`"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {port: 1}}", "unknown-key", "4:38", "stands at `deploy.port`"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {model: a}}", "unknown-key", "4:38", "source: {...}"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {alias: a}}", "unknown-key", "4:38", "The model's `name`"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {api_key_file: /k}}", "unknown-key", "4:38", "`env_var`"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {lora: []}}", "bad-value", "4:44", "at least one entry"),
    ("    base_url: http://127.0.0.1:11434", "    deploy: {hosts: gpu01, options: {lora: [[a]]}}", "wrong-type", "4:45", "text or a number"),
    # names
    ("    provider: cloud", "    provider: clod", "unknown-provider", "28:15", "Did you mean 'cloud'?"),
    ("    fallback: llama3", "    fallback: lama3", "unknown-fallback", "30:15", "Did you mean 'llama3'?"),
    ("        model: llama3", "        model: llama4", "unknown-model", "35:16", "Did you mean 'llama3'?"),
    ("    cloud:\n      rpm", "    clout:\n      rpm", "unknown-provider", "42:5", "Did you mean 'cloud'?"),
    ("  ollama:\n    endpoint", "  olama:\n    endpoint", "unknown-provider", "46:3", "Did you mean 'ollama'?"),
    ("  shared:", '  "~shared":', "bad-name", "32:3", "does not begin with '~'"),
    ("  own:\n    type", "  own box:\n    type", "bad-name", "18:3", "letters, digits"),
    ("        weight: 0.5\n      -", "      -", "partial-weights", "34:9", ""),
    # YAML
    ("  cloud:\n    type", "  ollama:\n    type", "duplicate-key", "13:3", "already declared at"),
    ("    status: active", "    status: active\n    status: testing", "duplicate-key", "6:5", ":5:5"),
    ("    status: active", "\tstatus: active", "yaml-syntax", "5:1", "spaces"),
    ("    status: active", "     status: active", "yaml-syntax", "5:6", "5 spaces, unlike the others"),
    ("    type: ollama", "   type: ollama", "yaml-syntax", "3:4", "3 spaces, unlike the others"),
    ("    status: active", "    status active", "yaml-syntax", "5:5", "key: value"),
    ("    status: active", "    status:active", "yaml-syntax", "5:5", "a space after the colon"),
    ('        size: "8B"', '        size: "8B', "yaml-syntax", "9:15", "a quote is opened here"),
    ("    features: [chat, code]", "    features: [chat, code", "yaml-syntax", "6:15", "a bracket"),
    (WHOLE, "providers:\n  a: [\n", "yaml-syntax", "2:6", "a bracket"),
    ("    features: [chat, code]", "    features: ]chat", "yaml-syntax", "6:15", "a value cannot begin"),
    ("    base_url: http://127", "    base_url: !env http://127", "yaml-tag", "4:15", "'!env'"),
    ("    base_url: http://127", "    base_url: !!python/object/apply:os.system http://127", "yaml-tag", "4:15", "'!!python/object/apply:os.system'"),
    ("    status: active", "    status: *other", "yaml-syntax", "5:13", "'&...'"),
    ("    status: active", "    on: active", "bad-key", "5:5", 'in quotes, "on"'),
    ("  shared:", "  8:", "bad-key", "32:3", 'in quotes, "8"'),
    ("  shared:", "  {{ name }}:", "bad-key", "32:3", "Jinja"),
    ("    timeout_seconds: 60", "    timeout_seconds: 0100", "surprising-value", "16:22", "octal"),
    ("    timeout_seconds: 60", "    timeout_seconds: 1:00", "surprising-value", "16:22", "base 60"),
    (WHOLE, "- providers\n", "not-a-mapping", "1:1", "list"),
    (WHOLE, "providers\n", "not-a-mapping", "1:1", "providers:"),
    (WHOLE, "", "empty-file", "1:1", "declares nothing"),
    (WHOLE, BASE + "---\n" + BASE, "several-documents", "49:1", "a file of its own"),
    (WHOLE, "a: [" * 500, "too-large", "1:81", "levels"),
    (WHOLE, "providers: \x00\n", "not-text", "1:12", "U+0000"),
]
# fmt: on


def report_of(directory: Path) -> list[str]:
    """The report of a registry's directory, a line a problem."""
    return [
        str(problem) for problem in compiler.compile_registry(str(directory), INVENTORY).problems
    ]


@pytest.fixture(params=["libyaml", "python"])
def registry(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A registry's directory; read by both parsers, as PyYAML may have come without libyaml."""
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "registry"
    directory.mkdir()
    (directory / "lab.yaml").write_text(BASE)
    return directory


def test_the_base_has_no_mistake(registry: Path) -> None:
    (warning,) = report_of(registry)
    assert (
        "warning[model-without-fallback]: providers.cloud: nobody stands in for gpt-4o" in warning
    )


@pytest.mark.parametrize(("part", "instead", "code", "place", "words"), MISTAKES)
def test_mistake(
    registry: Path, part: str, instead: str, code: str, place: str, words: str
) -> None:
    assert part == WHOLE or BASE.count(part), part
    (registry / "lab.yaml").write_text(BASE.replace(part, instead, 1) if part else instead)
    report = report_of(registry)
    found = [
        line for line in report if line.startswith(f"registry/lab.yaml:{place}: error[{code}]")
    ]
    assert found, report
    assert words in found[0]
    assert "Zx81" not in str(report)
    assert "81818181" not in str(report)
    assert "pw1" not in str(report)


# what is done to the directory, code, words of the report
def _missing(directory: Path) -> None:
    (directory / "lab.yaml").unlink()
    directory.rmdir()


def _no_directory(directory: Path) -> None:
    _missing(directory)
    directory.write_text(BASE)


def _unreadable(directory: Path) -> None:
    (directory / "lab.yaml").unlink()
    (directory / "lab.yaml").symlink_to("nowhere")


def _fifo(directory: Path) -> None:
    os.mkfifo(directory / "pipe.yaml")


PLACES = [
    (_missing, "no-registry", "registry:1:1", "does not exist"),
    (_no_directory, "no-registry", "registry:1:1", "not a directory"),
    (lambda d: (d / "lab.yaml").unlink(), "no-registry", "registry:1:1", "no YAML file"),
    (lambda d: (d / "lab.yaml").rename(d / "lab.json"), "no-registry", "registry:1:1", "*.yaml"),
    (_unreadable, "unreadable-file", "registry/lab.yaml:1:1", "No such file"),
    (_fifo, "unreadable-file", "registry/pipe.yaml:1:1", "not a regular file"),
    (lambda d: (d / "sub.yaml").mkdir(), "unreadable-file", "registry/sub.yaml:1:1", "regular"),
    (lambda d: (d / "b.yaml").write_bytes(b"a: \xff"), "not-text", "registry/b.yaml:1:4", "0xff"),
    (lambda d: (d / "b.yaml").write_bytes(os.urandom(4096)), "not-text", "registry/b.yaml:", ""),
    (lambda d: (d / "b.yaml").write_text("# " + "x" * 10**7), "too-large", "registry/b.yaml:1:1", "10.0 MB"),
    (lambda d: (d / "x.yaml").write_text(BASE), "duplicate-key", "registry/x.yaml:2:3", "registry/lab.yaml:2:3"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "place", "words"), PLACES)
def test_mistake_in_the_directory(
    registry: Path, change, code: str, place: str, words: str
) -> None:
    change(registry)
    found = [line for line in report_of(registry) if f"error[{code}]" in line]
    assert found
    assert found[0].startswith(place)
    assert words in found[0]


def test_there_are_enough_of_them() -> None:
    assert len(MISTAKES) + len(PLACES) >= 60
