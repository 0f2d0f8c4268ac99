# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A provider as the gateway's host sees it, and what of it the gateway has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..gateway.asking import Asker
from ..gateway.generation import Store
from ..gateway.held import Held
from ..gateway.installed import Installed
from ..gateway.manager import GatewayManager, unit
from ..gateway.probe_checks import provider_of
from ..gateway.questions import PATHS, answered, question
from ..gateway.secrets_file import MASTER_KEY
from ..host.user_manager import ManagerError
from . import answers, network, proxies, regions
from .certificate import authorities_of, certificate
from .instance import environment_of
from .rows import Ask, Row, row, unknown

ANSWER_SECONDS = 60.0
Wanted = Mapping[str, Any]


class FromGateway:
    """As the gateway's user. `wanted`: provider, variables, key_variable, deployments ({id:
    digest} of what the registry declares, None if that is not known), targets, completion.

    A target: host ("" where somebody else runs it), url (its base), health, models_url, way,
    models, headers, own_health (whether its health endpoint is at its own address), region (the
    variable that its address is made of, "" where it has one of its own).
    """

    def __init__(self, wanted: Wanted, base: Path) -> None:
        self.wanted, self.store = wanted, Store(base)
        self.installed, self.manager = Installed(base), GatewayManager(base.parent)
        self.current = self.store.current()
        self.values = Held(self.store).values()
        self.running = self._environment()

    def asks(self) -> list[tuple[str, Ask]]:
        found: list[tuple[str, Ask]] = [("gateway", self.serves), ("keys", self.keys)]
        for target in self.wanted["targets"]:
            found += self._of(self._with_address(target))
        if self.wanted.get("completion"):
            found.append(("completion", self.completion))
        return found

    def _with_address(self, target: Wanted) -> Wanted:
        """The same, with the address that LiteLLM makes of the region."""
        variable = str(target.get("region") or "")
        region = self.values.get(variable, "").strip()
        made = regions.address(str(target["way"]), region, self.running) if variable else ""
        return {**target, "url": made} if made else target

    def _of(self, target: Wanted) -> list[tuple[str, Ask]]:
        """Each row says which target it is about."""
        where = urlsplit(target["url"])
        name = where.hostname or ""
        sent = answers.headers(target, self._key(), self.values)
        if not name:
            return [("dns", lambda: _about(unknown("dns", "its address", _BY_ITSELF), target))]
        proxy = proxies.proxy_for(target["url"], self.running)
        asks = self._through(target, proxy, sent) if proxy else self._way(target)
        if proxy and not proxies.can_be_asked(proxy):
            return asks
        if target["health"]:
            own = sent if target["own_health"] else {}
            health = partial(answers.health, target["health"], own, proxy=proxy)
            asks.append(("health", lambda: _about(health(), target)))
        asks.append(("models", lambda: _about(self._models(target, sent, proxy), target)))
        return asks

    def _way(self, target: Wanted) -> list[tuple[str, Ask]]:
        """Its name, its port, its certificate."""
        where = urlsplit(target["url"])
        name, secure = where.hostname or "", where.scheme == "https"
        number = where.port or (443 if secure else 80)
        asks: list[tuple[str, Ask]] = [
            ("dns", lambda: _about(_of_region(network.dns(name, number), target), target)),
            ("port", lambda: _about(network.port(name, number), target)),
        ]
        if secure:
            asks.append(("tls", lambda: _about(self._certificate(name, number), target)))
        return asks

    def _through(
        self, target: Wanted, proxy: str, sent: Mapping[str, str]
    ) -> list[tuple[str, Ask]]:
        """The proxy, which looks up the name and opens the port in the place of this host."""
        url = target["models_url"] or target["url"]
        return [("proxy", lambda: _about(proxies.on_the_way(url, proxy, sent), target))]

    def _models(self, target: Wanted, sent: Mapping[str, str], proxy: str) -> Row:
        if not target["models_url"]:
            return unknown("models", "the list of its models", "this type of provider has none")
        way = str(target["way"])
        declared = [] if way == "azure" else target["models"]  # its own names are deployments'
        return answers.models(target["models_url"], sent, declared, way, proxy=proxy)

    def _key(self) -> str:
        return self.values.get(str(self.wanted.get("key_variable") or ""), "")

    def secrets(self) -> list[str]:
        """What may be in no text."""
        passwords = [urlsplit(v).password for k, v in self.running.items() if _is_proxy(k)]
        return [*self.values.values(), *filter(None, passwords)]

    def serves(self) -> Row:
        """Whether the generation that serves has the provider, as the registry declares it."""
        provider, declared = self.wanted["provider"], self.wanted["deployments"]
        asked = f"whether what serves has {provider}, as the registry declares it"
        if self.current is None:
            return row("gateway", asked, "it has", "nothing serves yet", "nothing")
        number = self.current
        about = {"generation": number}
        rows = self.store.probes(number).get("deployments", ())
        live = {one["id"]: one["configured"] for one in rows if provider_of(one["id"]) == provider}
        try:
            serving = [one.number for one in self.manager.instances() if one.serves]
        except ManagerError as problem:
            return row("gateway", asked, "it has", str(problem), "stopped", **about)
        if number not in serving:
            seen = f"{unit(number)} does not serve"
            return row("gateway", asked, "it has", seen, "stopped", **about)
        if not live:
            seen = f"generation {number} has no deployment of it"
            return row("gateway", asked, "it has", seen, "absent", **about)
        fault, words = "", f"generation {number} has it"
        if declared is not None and live != declared:
            fault, words = "older", f"generation {number} has it as it was declared before"
        return row("gateway", asked, "it has", words, fault, **about)

    def keys(self) -> list[Row]:
        """Whether each variable that its requests need has a value, in the file and in the process
        that serves."""
        names = self.wanted["variables"]
        if not names:
            return [unknown("key", "the key that is sent to it", "none is declared")]
        return [self._variable(name, self.running) for name in names]

    def _variable(self, name: str, running: Mapping[str, str]) -> Row:
        asked, about = f"the variable {name} of the gateway", {"variable": name}
        held = self.values.get(name)
        if not held:
            return row("key", asked, "set", "it has no value", "missing", **about)
        if held != held.strip():
            seen = "its value begins or ends with a blank"
            return row("key", asked, "set", seen, "blank", **about)
        if running and running.get(name) != held:
            seen = "the process that serves has another value than the file"
            return row("key", asked, "set", seen, "older", **about)
        where = "in the file and in the process" if running else "in the file"
        return row("key", asked, "set", f"set, {where}", **about)

    def _environment(self) -> dict[str, str]:
        """Of the process that serves, {} if that cannot be seen."""
        if self.current is None:
            return {}
        name = unit(self.current)
        try:
            pid = self.manager.states([name])[name].main_pid
            return environment_of(pid) if pid else {}
        except (OSError, ManagerError, ValueError):
            return {}

    def _certificate(self, name: str, number: int) -> Row:
        """By the authorities that the LiteLLM that serves trusts, the host's where none does."""
        if self.current is None:
            return certificate(name, number)
        venv = self.store.folder / str(self.current) / "venv"
        return certificate(name, number, authorities_of(venv, self.running))

    def completion(self) -> list[Row]:
        """A word from each of its deployments, through the gateway."""
        number, key = self.current, self.values.get(MASTER_KEY, "")
        rows = self.store.probes(number).get("deployments", ()) if number is not None else ()
        mine = [one for one in rows if provider_of(one["id"]) == self.wanted["provider"]]
        mine = [one for one in mine if not one.get("by_name")]  # its id cannot be asked
        if number is None or not mine:
            return [unknown("completion", "a completion", "the gateway does not have it")]
        address = self.installed.address(number)
        asker = Asker(address, {"Authorization": f"Bearer {key}"}, ANSWER_SECONDS)
        found = []
        for one in mine:
            mode = one["mode"]
            answer = asker.ask(PATHS.get(mode, PATHS["chat"]), question(one["id"], mode))
            good = answered(answer, mode)
            seen = "an answer" if good else answer.message()
            asked = f"a small {mode} of {one['id']} through the gateway"
            fault = "" if good else "no_answer"
            told = row("completion", asked, "an answer", seen, fault)
            found.append(told | {"milliseconds": answer.milliseconds})
        return found


_BY_ITSELF = "LiteLLM builds it by itself; -e completion=true asks a model"


def _of_region(found: Row, target: Wanted) -> Row:
    """A name that is made of a region and does not exist is the region's fault."""
    if not target.get("region") or found["fault"] != "no_such_name":
        return found
    about = {**found["about"], "variable": target["region"]}
    return {**found, "fault": "no_such_region", "about": about}


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy") and name.lower() != "no_proxy"


def _about(found: Row, target: Wanted) -> Row:
    return found | {"target": target["host"]}
