# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each role's defaults stand once, and its argument_specs tell the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROLES = sorted(
    path.parent
    for path in (Path(__file__).resolve().parents[2] / "roles").glob("*/tasks")
    if path.is_dir()
)
TYPES = {"str": str, "bool": bool, "int": int, "float": float, "list": list, "dict": dict}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def documented(role: Path) -> dict[str, dict[str, Any]]:
    """All options of all entry points; one that stands at two must be the same."""
    options: dict[str, dict[str, Any]] = {}
    for entry in read(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        for name, spec in (entry.get("options") or {}).items():
            assert options.setdefault(name, spec) == spec
    return options


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_is_documented_with_its_value(role: Path) -> None:
    defaults = read(role / "defaults" / "main.yml") or {}
    told = {name: spec["default"] for name, spec in documented(role).items() if "default" in spec}
    assert told == defaults


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_is_described_and_named_after_its_role(role: Path) -> None:
    for name, spec in documented(role).items():
        assert name.startswith(f"{role.name}_"), name
        assert spec["description"], name
        assert "default" in spec or spec.get("required"), name
        assert "choices" not in spec or spec.get("default") in spec["choices"], name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_default_has_its_type(role: Path) -> None:
    for name, spec in documented(role).items():
        kind = TYPES.get(spec.get("type", "str"), str)
        value = spec.get("default", kind())
        assert isinstance(value, kind) or "{{" in str(value), name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_and_its_readme_are_there(role: Path) -> None:
    entries = read(role / "meta" / "argument_specs.yml")["argument_specs"]
    for entry, spec in entries.items():
        assert (role / "tasks" / f"{entry}.yml").exists()
        assert spec["short_description"]
    readme = (role / "README.md").read_text()
    missing = [name for name in documented(role) if f"`{name}`" not in readme]
    assert missing == []
    assert (role / "meta" / "main.yml").exists()
