"""Every value of the typed registry keeps its place, and what is broken keeps its name."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.lab.llm.plugins.module_utils.registry.load import load_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.model import Registry
from ansible_collections.lab.llm.plugins.module_utils.registry.reading import build

TEXT = """\
providers:
  one:
    type: vllm
    base_url: http://one:8000
    env_var: ONE_KEY
    models: [m, {name: e, mode: embedding}, m]
  two: {type: ollama, default_model: implied}
  three: {type: bedrock, env_vars: [A_AWS_REGION_NAME]}
  four: {type: vllm, status: testing, models: [{name: t}]}
  broken: {type: nothing, models: [known, {name: known-too}, 3]}
exact_matches:
  a: {provider: one, priority: tertiary, fallback: two}
  b: {provider: one}
redundant_models:
  r:
    providers:
      - {provider: one, weight: 3}
      - {provider: two, model: x}
    fallback: [a, two]
load_balancing:
  r: {providers: [{provider: one}]}
rate_limit_settings:
  limits:
    one: {rpm: 3, models: {m: {tpm: 4}}}
health_checks:
  one: {timeout_seconds: 3}
"""


def read(tmp_path: Path, text: str = TEXT, *broken: tuple[str, ...]) -> Registry:
    (tmp_path / "lab.yaml").write_text(text)
    root, problems = load_registry(str(tmp_path))
    assert not problems
    return build(root, broken)


def test_places_are_where_things_are_written(tmp_path: Path) -> None:
    registry = read(tmp_path, TEXT, ("providers", "broken"))
    one = registry.providers["one"]
    assert one.place[1:] == (2, 3)
    assert one.at("env_var")[1:] == (5, 14)
    assert one.at("nothing", "below")[1:] == (2, 3)
    assert one.place_of_variable("ONE_KEY")[1:] == (5, 14)
    assert registry.providers["three"].place_of_variable("A_AWS_REGION_NAME")[1:] == (8, 37)
    assert [model.place[1:] for model in one.models.values()] == [(6, 14), (6, 17)]
    assert [model.place[1:] for model in one.repeated] == [(6, 45)]
    assert registry.exact["a"].fallbacks[0].place[1:] == (12, 52)
    assert [member.place[1] for member in registry.redundant["r"].members] == [17, 18]
    assert [reference.place[2] for reference in registry.redundant["r"].fallbacks] == [16, 19]
    assert registry.limits["one"].models["m"].place[1:] == (24, 28)
    assert registry.health_places["one"][1:] == (26, 3)


def test_values_are_typed(tmp_path: Path) -> None:
    registry = read(tmp_path, TEXT, ("providers", "broken"))
    assert registry.providers["one"].models["e"].mode == "embedding"
    assert list(registry.providers["two"].models) == ["implied"]  # the only one that it names
    assert registry.exact["a"].rank == 2
    assert [member.weight for member in registry.redundant["r"].members] == [3.0, None]
    assert [entry.place[1] for entry in registry.repeated] == [21]
    assert (registry.limits["one"].rpm, registry.limits["one"].models["m"].tpm) == (3, 4)
    assert not registry.providers["four"].served
    assert registry.providers["four"].rendered


def test_broken_entries_are_left_out_and_stay_known(tmp_path: Path) -> None:
    skipped = [
        ("providers", "broken"),
        ("exact_matches", "b"),
        ("rate_limit_settings", "limits", "one"),
    ]
    registry = read(tmp_path, TEXT, *skipped)
    assert "broken" not in registry.providers
    assert "broken" in registry.provider_names
    assert {"known", "known-too", "b", "testing/t"} <= set(registry.public_names)
    assert list(registry.exact) == ["a"]
    assert not registry.limits


def test_limits_can_be_switched_off(tmp_path: Path) -> None:
    text = "rate_limit_settings: {enabled: false, limits: {one: {rpm: 3}}}\n"
    assert not read(tmp_path, text).limits
    assert read(tmp_path, text.replace("false", "true")).limits


def test_nothing_at_all_is_an_empty_registry(tmp_path: Path) -> None:
    assert read(tmp_path, "metadata: {version: '1'}\n") == Registry()
