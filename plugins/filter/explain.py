# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.routing.explain import Explainer
from ..module_utils.routing.explain_report import MistakeError, report


def explain(
    compiled: Mapping[str, Any],
    model: str = "",
    down: str | Iterable[str] = (),
    tags: str | Iterable[str] = (),
    agent: str = "",
) -> dict[str, Any]:
    """See explain_report.report; a mistake in what was asked is the key `problem`."""
    config = compiled.get("gateway_config", compiled)
    if not isinstance(config, Mapping) or not isinstance(config.get("model_list"), list):
        raise AnsibleFilterError(
            "lab.llm.explain takes what lab.llm.registry gave, or a LiteLLM configuration: "
            "this has no model_list."
        )
    explainer = Explainer(config, compiled.get("rules"), compiled.get("waiting") or ())
    try:
        found = report(explainer, str(model), _words(down), _words(tags), str(agent))
    except MistakeError as mistake:
        return {"problem": str(mistake)}  # an error of a filter would be told in Ansible's words
    return {**found, "problem": ""}


def _words(given: str | Iterable[str]) -> list[str]:
    """A list, or its words with commas between them."""
    found = given.split(",") if isinstance(given, str) else given
    return [word for word in (str(one).strip() for one in found) if word]


class FilterModule:
    """Explains a configuration."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function, as Ansible asks for them."""
        return {"explain": explain}
