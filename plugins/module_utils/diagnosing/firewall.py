# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the firewall of this host does with a connection to one port: read, never changed.

nftables and iptables are read as the kernel has them; ufw and firewalld write into these, and are
named so that people know where to change it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from ..host.user_manager import ManagerError
from ..host.user_manager import run as run_bounded
from .firewall_iptables import verdict as iptables_verdict
from .firewall_nft import verdict as nft_verdict
from .interfaces import on_its_way
from .packet import ACCEPT, DROP, REJECT, UNSURE, Packet, Verdict
from .rows import Row, row, unknown

SECONDS = 8.0
_SBIN = "/usr/sbin:/sbin:/usr/local/sbin"
Run = Callable[[Sequence[str]], "tuple[str, str] | None"]


def firewall(packet: Packet, run: Run | None = None) -> Row:
    """Whether the rules let it through. For root."""
    run = run or _run
    packet = on_its_way(packet, run)
    asked = f"what the firewall does with {packet}"
    verdicts, problems = [], []
    for program, words, judge in _READERS:
        said = run([program, *words])
        if said is None:
            continue
        text, problem = said
        if problem:
            problems.append(f"{program}: {problem}")
            continue
        try:
            verdicts.append(judge(text, packet))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            problems.append(f"{program}: its rules could not be understood ({error})")
    front = front_end(run)
    about: dict[str, Any] = {"front": front, "port": packet.port, "source": packet.source}
    return _judged(asked, verdicts, problems, front, about)


def _judged(
    asked: str,
    verdicts: list[Verdict],
    problems: list[str],
    front: str,
    about: dict[str, Any],
) -> Row:
    """All must let it through; what is not understood is told."""
    expected = "let through"
    tail = f" ({front} is active)" if front else ""
    for verdict in verdicts:
        if verdict.what in (DROP, REJECT):
            word = "dropped" if verdict.what == DROP else "rejected"
            seen = f"{word} by {verdict.rule}{tail}"
            return row("firewall", asked, expected, seen, word, **about, rule=verdict.rule)
    unsure = [verdict.rule for verdict in verdicts if verdict.what == UNSURE]
    if unsure:
        seen = f"not to be told, for what this means is not known here: {unsure[0]}{tail}"
        return unknown("firewall", asked, seen, **about)
    if verdicts:
        said = ", ".join(dict.fromkeys(v.rule for v in verdicts if v.what == ACCEPT and v.rule))
        seen = f"let through: {said}{tail}" if said else f"no rule against it{tail}"
        return row("firewall", asked, expected, seen, **about)
    if problems:
        return unknown("firewall", asked, f"not read: {'; '.join(problems)}", **about)
    return row("firewall", asked, expected, "no firewall program is on this host", **about)


def front_end(run: Run) -> str:
    """ufw or firewalld, if one of them is at work; "" else."""
    said = run(["ufw", "status"])
    if said and not said[1] and "Status: active" in said[0]:
        return "ufw"
    said = run(["firewall-cmd", "--state"])
    if said and not said[1] and said[0].strip() == "running":
        return "firewalld"
    return ""


_READERS: tuple[tuple[str, tuple[str, ...], Callable[[str, Packet], Verdict]], ...] = (
    ("nft", ("--json", "list", "ruleset"), lambda text, p: nft_verdict(json.loads(text), p)),
    ("iptables-save", (), iptables_verdict),
    ("ip6tables-save", (), lambda text, p: iptables_verdict(text, p, six=True)),
)


def _run(argv: Sequence[str]) -> tuple[str, str] | None:
    """(what it prints, what is wrong); None where there is no such program."""
    path = shutil.which(argv[0]) or shutil.which(argv[0], path=_SBIN)
    if path is None:
        return None
    try:
        done = run_bounded([path, *argv[1:]], SECONDS)
    except ManagerError as problem:
        return "", str(problem)
    words = " ".join(done.stderr.split())[:200]
    return done.stdout, words or f"exit status {done.returncode}" if done.returncode else ""
