"""Variables in a LiteLLM configuration, for what runs under the gateway's own Python."""

from __future__ import annotations

from typing import Any


def references(node: Any) -> set[str]:
    """The variables that a configuration reads."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return set().union(*map(references, node)) if node else set()
    prefix = "os.environ/"
    found = isinstance(node, str) and node.startswith(prefix)
    return {node.removeprefix(prefix)} if found else set()


def resolved(node: Any, mark: str) -> Any:
    """With the value of each variable in its place, as the proxy resolves a file."""
    if isinstance(node, dict):
        return {key: resolved(value, mark) for key, value in node.items()}
    if isinstance(node, list):
        return [resolved(value, mark) for value in node]
    variable = isinstance(node, str) and node.startswith("os.environ/")
    return mark + node.removeprefix("os.environ/") if variable else node
