# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about the registry, the hosts, an instance, and the way to it."""

from __future__ import annotations

from .rule import CHECK, LOG, ROTATE, SITE, Rule

_WITHOUT = (
    "See to the proxy; or add {name} to NO_PROXY of litellm@.service (a drop-in), then "
    "`systemctl --user restart litellm.service` there."
)
RULES = (
    # The registry.
    Rule("entry", ("unsound",), "The registry has an error in it: {seen}", CHECK),
    Rule(
        "status",
        ("not_served",),
        "{provider} is {status}, so the gateway does not have it.",
        "Write `status: active` (or `testing`) at {place}, then site.yml.",
    ),
    Rule(
        "status",
        ("parked",),
        "{provider} waits in slot {slot}, where {runs} runs now.",
        "If it is to run instead: `ansible-playbook playbooks/switch_model.yml -e "
        "provider={provider}`",
    ),
    # The hosts.
    Rule(
        "reach",
        ("unreachable",),
        "The gateway's host {at} cannot be reached, so nothing could be asked from there.",
        "See that it runs and that Ansible may log in there: {seen}",
        (("role", "gateway"),),
    ),
    Rule(
        "reach",
        ("unreachable",),
        "{target} does not answer at all, neither Ansible nor the gateway: it is down, or off the "
        "network.",
        "Start it, or see to its network. Ansible says: {seen}",
        (("port", "*"),),
    ),
    # The instance.
    Rule(
        "port_here",
        ("taken",),
        "Port {port} of {target} is taken by {holder}, so {unit} cannot have it.",
        "Stop that process, or choose another `deploy.port`, then site.yml.",
    ),
    Rule(
        "unit",
        ("missing",),
        "{unit} is not on {target}: it was never deployed there, or somebody removed it.",
        SITE,
    ),
    Rule("unit", ("no_systemd",), "The services' systemd on {target} does not run: {seen}.", SITE),
    Rule(
        "unit",
        ("stopped",),
        "{unit} on {target} does not run: somebody stopped it.",
        "Start it: `{start}`; or run site.yml, which does.",
    ),
    Rule("unit", ("down",), "{unit} on {target} does not run: {why}.", f"Mend that. {LOG}"),
    Rule(
        "unit",
        ("starting",),
        "{unit} on {target} is starting still.",
        f"Wait. {LOG}",
    ),
    # The name.
    Rule(
        "dns",
        ("no_such_region",),
        "There is no such region: of the value of {variable} LiteLLM makes {name}, and that name "
        "does not exist for {at}.",
        f"Give the right one: {ROTATE}",
    ),
    Rule(
        "dns",
        ("no_such_name",),
        "The name {name} does not exist for {at}.",
        "Correct the address at {place}, or give {name} an entry in DNS or in /etc/hosts of {at}.",
    ),
    Rule(
        "dns",
        ("no_server", "failed"),
        "{at} cannot look up names: no DNS server gives it an answer.",
        "See to /etc/resolv.conf and the DNS servers of {at}.",
    ),
    # The way.
    Rule(
        "port_here",
        ("nobody",),
        "{unit} runs on {target} and does not listen on port {port} yet: it loads its model, or "
        "hangs.",
        f"Wait for it. {LOG}",
        (("unit", "ok"),),
    ),
    Rule(
        "port_here",
        ("elsewhere",),
        "{unit} listens at {listens} only, where the gateway does not reach it.",
        "Leave `deploy.bind` out, or write an address that the gateway reaches, then site.yml.",
        (("port", "*"),),
    ),
    Rule(
        "firewall",
        ("dropped", "rejected"),
        "The firewall of {target} keeps the gateway from port {port}: {rule}.",
        "{allow}",
        (("port", "*"),),
    ),
    Rule(
        "firewall_out",
        ("dropped", "rejected"),
        "The firewall of {at} itself lets nothing out to port {port}: {rule}.",
        "Let it out: nothing of ours changes a firewall.",
        (("port", "*"),),
    ),
    Rule(
        "port",
        ("timeout", "no_route", "failed"),
        "{unit} listens on {target}, and connections from {at} do not arrive there: a firewall or "
        "the network between them keeps them away.",
        "See to the firewall of {target} (port {port}, from {at}) and to the network between.",
        (("port_here", "ok"),),
    ),
    Rule(
        "port",
        ("timeout", "no_route", "failed"),
        "Nothing answers at {name}: its host is down, or a firewall or the network keeps {at} "
        "away.",
        "See that the host runs, that the address at {place} is right, and that port {port} is "
        "open to {at}.",
    ),
    Rule(
        "port",
        ("refused",),
        "Nothing listens on port {port} of {name}: the server does not run, or has another port.",
        "Start it, or correct the port at {place}.",
    ),
    # The proxy.
    Rule(
        "proxy",
        ("gone",),
        "LiteLLM on {at} asks {name} through the proxy {proxy}, which is not to be reached: "
        "{seen}.",
        _WITHOUT,
    ),
    Rule(
        "proxy",
        ("between",),
        "LiteLLM on {at} asks {name} through the proxy {proxy}, which says {said}; without it the "
        "provider answers.",
        _WITHOUT,
    ),
    Rule(
        "proxy",
        ("refuses",),
        "LiteLLM on {at} asks {name} through the proxy {proxy}, which does not let it through: "
        "{said}.",
        "See at the proxy what this host may reach, and whether its address wants a password.",
    ),
    # TLS.
    Rule(
        "tls",
        ("expired",),
        "The certificate of {name} has expired.",
        "Renew it on the server; if it is new, the clock of {at} is wrong.",
    ),
    Rule(
        "tls",
        ("not_yet_valid",),
        "The certificate of {name} is not valid yet: it is too new, or the clock of {at} is wrong.",
        "Compare the clocks: `timedatectl` on {at}.",
    ),
    Rule(
        "tls",
        ("self_signed", "unknown_authority", "refused"),
        "LiteLLM on {at} does not trust the certificate of {name}: {seen}.",
        "Take one of an authority that it knows, or add yours to a copy of {authorities} and name "
        "that file in SSL_CERT_FILE for litellm@.service (a drop-in).",
    ),
    Rule(
        "tls",
        ("wrong_name",),
        "The certificate that {name} shows is for another name{names_shown}.",
        "Write the name that it is for at {place}, or get a certificate for {name}.",
    ),
    Rule(
        "tls",
        ("not_tls",),
        "{name} does not speak TLS on port {port}, and its address begins with https.",
        "Write http:// at {place}, or the port that speaks TLS.",
    ),
    Rule("tls", ("silent", "failed"), "TLS with {name} does not come about: {seen}.", "{tell}"),
)
