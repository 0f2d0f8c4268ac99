"""How many processes LiteLLM has on all gateways, which limits and budgets are multiplied by."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.plugin_utils.inventory import inventory_of


@pytest.mark.parametrize(
    ("gateways", "processes"),
    [
        ({}, 1),
        ({"gw": {}}, 1),
        ({"gw": {"gateway_workers": 2}}, 2),
        ({"gw": {"gateway_workers": "3"}}, 3),
        ({"gw": {"gateway_workers": 2}, "gw2": {}}, 3),
        ({"gw": {"gateway_workers": "{{ unset }}"}}, 1),
        ({"gw": {"gateway_workers": 0}}, 1),
    ],
)
def test_workers_of_all_gateways_are_counted(
    gateways: dict[str, dict[str, Any]], processes: int
) -> None:
    hosts = {**gateways, "gpu01": {"gateway_workers": 9}}
    groups = {"all": [*hosts], "gateway": [*gateways]}
    assert inventory_of({"groups": groups, "hostvars": hosts}).processes == processes
