# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway's host beside what was deployed there: what is another, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..gateway.probe_checks import provider_of
from ..routing.compare_words import listed
from .findings import Finding, chmod, on_host, systemctl
from .process import entries, of_process
from .unit_words import differences
from .whereabouts import Whereabouts

Load = Callable[[str], Any]
Found = Mapping[str, Any]
RESTART = "restart litellm.service"


def findings(found: Found, args: Found, config: Mapping[str, Any]) -> list[Finding]:
    """`found` as observe gives it, `args` the module's options, `config` the one on the disk."""
    return [
        *_files(found, args),
        *_units(found),
        *_states(found, args),
        *of_process(found, config, _restart(found, args)),
        *_secrets(found, args),
        *_program(found, args),
    ]


def notes(found: Found) -> Iterator[str]:
    """What there is to know that is nobody's mistake."""
    for name, (_active, _enabled, _reload, drop_ins) in sorted(found["states"].items()):
        if drop_ins:
            yield f"{name} has a drop-in of its user's: {', '.join(drop_ins)}."
    if found["unconfirmed"]:
        yield (
            f"Generation {found['current']} serves {found['unconfirmed']}, which {found['by']} "
            "added and no registry is known to hold: ansible-playbook playbooks/adopt.yml."
        )


def _restart(found: Found, args: Found) -> str:
    """How the process gets what is deployed; where the files are others, a new generation does."""
    return "" if found["files"] else systemctl(RESTART, args["host"], args["user"])


def _files(found: Found, args: Found) -> Iterator[Finding]:
    number = found["current"]
    for one in found["files"]:
        name, was, now = one["file"], one["was"], one["is"]
        said = {"gone": "is gone", "not of it": "is not of it: somebody has put it there"}
        text = f"generation {number}: {name} {said.get(now, 'was changed after it was deployed')}"
        if now not in said:
            text += f" (sha256 {was[:12]} then, {now[:12]} now)"
        yield Finding("file", name, was, now, text, host=args["host"])


def _units(found: Found) -> Iterator[Finding]:
    for one in found["units"]:
        name, was, now = one["unit"], one["was"] or "", one["is"]
        if now is None:
            yield Finding("unit", name, "there", "gone", f"unit {name} is gone")
            continue
        words = "; ".join(differences(was, now)) if was != now else "its permissions"
        yield Finding("unit", name, "as deployed", words, f"unit {name} was changed: {words}")
    for path in found["foreign"]:
        text = f"{path} was written by somebody else in the place of ours"
        fix = f"move {path} away, then ansible-playbook playbooks/site.yml"
        yield Finding("unit", path, "ours", "somebody else's", text, fix)


def _states(found: Found, args: Found) -> Iterator[Finding]:
    if found["systemd"]:
        text = f"the user's systemd does not answer: {found['systemd']}"
        yield Finding("state", args["user"], "answers", "does not answer", text)
        return
    for name, (active, enabled, reload, _drop_ins) in sorted(found["states"].items()):
        oneshot = name.startswith("litellm-change")  # runs when there is a change, and at boot
        instance = name.startswith("litellm@")  # started by the umbrella, not by itself
        if active not in ("active", "reloading") and not oneshot:
            text = f"{name} does not run: it is {active or 'not there'}"
            yield Finding("state", name, "active", active, text)
        if not enabled and not instance:
            text = f"{name} does not start at boot any more"
            yield Finding("state", name, "enabled", "disabled", text)
        if reload:
            text = f"{name}: systemd runs an older text of it than the one on the disk"
            fix = systemctl("daemon-reload", args["host"], args["user"])
            yield Finding("state", name, "loaded", "not loaded", text, fix)
    current, serving = found["current"], found["serving"]
    if serving != [current]:
        who = listed(f"generation {number}" for number in serving) or "nobody"
        text = f"{who} serves, and `current` names generation {current}"
        yield Finding("process", "serving", str(current), who, text)


def _secrets(found: Found, args: Found) -> Iterator[Finding]:
    for one in found["modes"]:
        text = f"{one['path']} has the mode {one['is']}: others than its user may read it"
        fix = chmod(one["path"], args["host"])
        yield Finding("mode", one["path"], one["was"], one["is"], text, fix)
    if found["secrets"]:
        text = (
            "secrets.env: a value is not the one that was deployed; which one is not known, for "
            "only a keyed hash of all is kept"
        )
        fix = "give the right values, in the environment or llm_secrets, to playbooks/site.yml"
        yield Finding("secret", "secrets.env", "as deployed", "another", text, fix)


def _program(found: Found, args: Found) -> Iterator[Finding]:
    if found["program"]:
        text = f"the program that changes the gateway: {found['program']}"
        yield Finding("program", "program", "as installed", found["program"], text)
    if found["venv"]:
        mark = f"{args['path']}/generations/{found['current']}/venv/lab-llm.json"
        fix = f"{on_host('ansible.builtin.file', f'path={mark} state=absent', args['host'])}, then "
        text = f"LiteLLM's venv is not the one that was installed: {found['venv']}"
        fix += "ansible-playbook playbooks/site.yml"
        yield Finding("packages", "venv", "as installed", found["venv"], text, fix)


def parsed(text: str, load: Load) -> dict[str, Any]:
    """The configuration on the disk; empty where it cannot be read: that is told with the files."""
    try:
        found = load(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def expected(probes: Found, config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Host -> provider -> {unit, port} of the instances that we run for these deployments."""
    bases = {e["model_info"]["id"]: e["litellm_params"].get("api_base") for e in entries(config)}
    found: dict[str, dict[str, Any]] = {}
    units = {name: one.get("unit") for name, one in probes.get("providers", {}).items()}
    where = Whereabouts(probes)
    for row in probes.get("deployments", ()):
        host, provider = where.host(row["id"]), provider_of(row["id"])
        if host and units.get(provider):
            port = urlsplit(str(bases.get(row["id"]) or "")).port or 0
            found.setdefault(host, {})[provider] = {"unit": units[provider], "port": port}
    return found
