# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules from what was seen to its most likely cause: the earliest layer that fails wins.

The order is that of the layers: the registry, the hosts, the instance, the name, the way, TLS,
health, the key, the models, and what the gateway serves.
"""

from __future__ import annotations

from .rule import CHECK, SITE, Rule
from .rules_answers import RULES as OF_ANSWERS
from .rules_reach import RULES as OF_REACH

_OF_GATEWAY = (
    # What the gateway serves.
    Rule("gateway", ("nothing",), "The gateway serves nothing yet.", SITE),
    Rule(
        "gateway",
        ("stopped",),
        "The gateway itself does not serve on {at}: {seen}.",
        f"{SITE} `journalctl --user -u litellm.service` there says why it stopped.",
    ),
    Rule(
        "entry",
        ("others",),
        "The gateway does not have {provider}, and cannot get it while the registry has an error: "
        "{seen}",
        CHECK,
        (("gateway", "absent"),),
    ),
    Rule(
        "gateway",
        ("absent",),
        "{provider} is in the registry and not in what the gateway serves (generation "
        "{generation}).",
        SITE,
    ),
    Rule(
        "gateway",
        ("older",),
        "The gateway serves {provider} as it was declared before (generation {generation}).",
        SITE,
    ),
    Rule(
        "routes",
        ("unrouted",),
        "No name leads to {provider}, so nobody can ask it.",
        "Give it models, or a name under exact_matches, then site.yml.",
    ),
    Rule(
        "completion",
        ("no_answer",),
        "All checks before are good, and a completion is not: {seen}.",
        "`ansible-playbook playbooks/explain.yml -e model=NAME` says who would be asked.",
    ),
)
# What is told besides.
_WARNINGS = (
    Rule("entry", ("others",), "The registry has an error elsewhere: {seen}", CHECK, warns=True),
    Rule(
        "clock",
        ("skewed",),
        "The clock of {at} is {seen}.",
        "`timedatectl set-ntp true` there: certificates and vendors' signatures need it right.",
        warns=True,
    ),
    Rule(
        "reach",
        ("unreachable", "failed"),
        "Ansible could not look at {at}: {seen}",
        "See that Ansible may log in and become root there.",
        warns=True,
    ),
    Rule(
        "restarts",
        ("restarting",),
        "The unit on {target} was restarted by systemd {count} times of late.",
        "See its journal.",
        warns=True,
    ),
    Rule(
        "tls",
        ("expires_soon",),
        "The certificate of {name} expires in {days} days.",
        "Renew it.",
        warns=True,
    ),
    Rule(
        "gpu",
        ("missing",),
        "GPU {gpu} that {provider} is to use is not on {target}.",
        "Correct `deploy.gpus`, or see to the driver.",
        warns=True,
    ),
    Rule(
        "port_here",
        ("elsewhere",),
        "{unit} listens at {listens}, not where it is declared to.",
        SITE,
        warns=True,
    ),
    Rule(
        "firewall",
        ("dropped", "rejected"),
        "The firewall of {target} seems to keep the gateway away, and it gets through: {rule}.",
        "Look at the rule.",
        warns=True,
    ),
    Rule(
        "key_here",
        ("older",),
        "{unit} on {target} runs with another key than its file has.",
        "Restart it when that suits: `{restart}`",
        warns=True,
    ),
)
RULES: tuple[Rule, ...] = (*OF_REACH, *OF_ANSWERS, *_OF_GATEWAY, *_WARNINGS)
