# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What bundle.yml and models.yml tell people, and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

Found = Mapping[str, Any]
End = dict[str, Any]


def bundle_report(found: Found, path: str, form: str = "text", check: bool = False) -> End:
    """{ok, report, why} of what lab.llm.bundle says."""
    told = {"bundle": path, **{key: found.get(key, []) for key in ("artifacts", "not_collected")}}
    if form == "json":
        return _end(json.dumps({"ok": True, **told}, indent=1))
    fresh = [one["name"] for one in told["artifacts"] if one["changed"]]
    here = len(told["artifacts"]) - len(fresh)
    verb = "would be fetched into" if check else "were fetched into"
    lines = [f"{len(fresh)} {verb} {path}, {here} are there already."]
    lines += [f"  {name}" for name in fresh if not name.endswith(".whl")]
    wheels = sum(name.endswith(".whl") for name in fresh)
    lines += [f"  wheels: {wheels}"] if wheels else []
    if told["not_collected"]:
        lines.append("Not in it, and to be had otherwise:")
        lines += [f"  {one['name']}: {one['why']}" for one in told["not_collected"]]
    lines.append(
        f"Where there is no network: ansible-playbook playbooks/site.yml -e llm_bundle={path}"
    )
    return _end(lines)


def models_report(seen: Mapping[str, Found], form: str = "text", check: bool = False) -> End:
    """{ok, report, why} of what lab.llm.models says, by host; a host without an answer has {}."""
    silent = [host for host, one in seen.items() if "models" not in one]
    why = f"not seen: {', '.join(silent)}" if silent else ""
    if form == "json":
        known = {
            host: {key: one.get(key) for key in ("models", "removed")} for host, one in seen.items()
        }
        return {
            "ok": not silent,
            "why": why,
            "report": json.dumps({"ok": not silent, "hosts": known}),
        }
    lines, idle = [], False
    for host, one in seen.items():
        models = one.get("models", [])
        lines.append(f"{host}: {_shown(sum(m['size'] for m in models))} in {len(models)}")
        for model in models:
            gone = model["path"] in one.get("removed", ())
            idle = idle or not (model["used_by"] or gone)
            lines.append(f"  {_shown(model['size']):>9}  {_line(model, gone, check)}")
    if not seen:
        lines = ["No provider is deployed to a host, so no host has models of ours."]
    if idle:
        lines.append("To remove what nobody uses: playbooks/models.yml -e remove=unreferenced")
    return {**_end(lines), "ok": not silent, "why": why}


def _line(model: Found, gone: bool, check: bool) -> str:
    name = PurePosixPath(model["path"]).name
    name = f"{name} -> {model['link']}" if model["link"] else name
    users = f"used by {', '.join(model['used_by'])}" if model["used_by"] else "nobody uses it"
    parts = [users, "unfinished" if model["unfinished"] else ""]
    parts.append("" if model["ours"] else "not brought by us, so it stays")
    parts.append(("would be removed" if check else "removed") if gone else "")
    return f"{name}  {'; '.join(filter(None, parts))}"


def _shown(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _end(lines: Sequence[str] | str) -> End:
    report = lines if isinstance(lines, str) else list(lines)
    return {"ok": True, "report": report, "why": ""}
