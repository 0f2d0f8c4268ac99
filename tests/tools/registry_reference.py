"""Writes docs/registry.md from the schemas: every section and key of the registry.

python tests/tools/registry_reference.py            prints the page
python tests/tools/registry_reference.py --write    puts it into docs/registry.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "registry.md"
sys.path.insert(0, str(ROOT / ".ansible"))

INTRO = """\
<!-- Written by tests/tools/registry_reference.py from schemas/: change those, then run it. -->
# The registry

A registry is a directory of YAML files. Each file holds any of the sections below; together they
are one registry. A section in several files is merged: a mapping by its keys, a list by joining.
A key that is declared twice is an error, so that **adding a provider is adding one file**.

```yaml
# yaml-language-server: $schema=../../../schemas/registry.schema.json
---
providers:
  ollama:
    type: ollama
    base_url: http://127.0.0.1:11434
    models:
      - name: llama3.1
        size: "8B"
        context_length: 8192
  openai:
    type: openai
    env_var: OPENAI_API_KEY # the NAME of the variable, never the key
    models: [gpt-4]

exact_matches:
  gpt-4:
    provider: openai
    fallback: ollama
```

`ansible-playbook playbooks/check.yml` checks it in about a second and touches no host. What can be
wrong is listed in [problems.md](problems.md).

## In an editor

The schemas are JSON Schema 2020-12. The first line of the example above gives completion, hover
texts and checks in every editor with the YAML language server; the path is relative to the file.
For all files at once, in Visual Studio Code's `settings.json` (with the YAML extension):

```json
{
  "yaml.schemas": {
    "schemas/registry.schema.json": ["inventories/*/registry/*.yaml"]
  }
}
```

An editor knows the schemas only. `check.yml` also knows what names mean.

## How to read the tables

Each key is of one of two kinds. *effective*: it changes what is rendered, run or asked.
*descriptive*: it is held to its form, and for docs and reports only. A key in **bold** is always
needed.
*not yet* marks what is checked and then refused with
[`not-yet-supported`](problems.md#not-yet-supported): this version does not compile it.
Keys that begin with `x-` are your own wherever the keys are fixed; at the top they are a good home
for YAML anchors.

What YAML does on its own: it reads `1.10` as the number 1.1, `NO` as false and `0100` as 64. Texts
of this kind are quoted; the check says so.
"""


def page() -> str:
    """The whole page."""
    # The link under .ansible makes the collection's package importable from a plain clone.
    from ansible_collections.lab.llm.plugins.module_utils.registry.schema_files import (
        registry_schema,
    )

    parts = [INTRO]
    for name, section in registry_schema()["properties"].items():
        parts.append(f"## {name}\n\n{_section(name, section)}")
    return "\n".join(parts)


def _section(name: str, section: dict[str, Any]) -> str:
    lines = [_sentence(section)]
    if name == "load_balancing":
        return lines[0] + "\n"
    if section["type"] == "boolean":
        return f"{lines[0]} *{section['x-kind']}*\n"
    rows = list(_rows(section, ""))
    table = ["| key | type | kind | meaning |", "|---|---|---|---|", *rows]
    return "\n".join([*lines, "", *table]) + "\n"


def _rows(node: dict[str, Any], path: str) -> Iterator[str]:
    required = node.get("required", ())
    for key, one in node.get("properties", {}).items():
        if one is False:
            continue
        here = f"{path}.{key}" if path else key
        shown = f"**`{here}`**" if key in required else f"`{here}`"
        yield f"| {shown} | {_type(one)} | {_kind(one)} | {_meaning(one)} |"
        yield from _rows(one, here)
    for key, word in (("additionalProperties", "<name>"), ("items", "[]")):
        one = node.get(key)
        if not isinstance(one, dict):
            continue
        here = f"{path}.{word}" if path and word != "[]" else f"{path}{word}"
        if word == "<name>" or one.get("properties"):
            yield f"| `{here}` | {_type(one)} | {_kind(one)} | {_meaning(one)} |"
        yield from _rows(one, here)


def _type(node: dict[str, Any]) -> str:
    types = node.get("type", "any")
    words = {"string": "text", "object": "mapping", "array": "list", "integer": "whole number"}
    return " or ".join(
        words.get(one, one) for one in ([types] if isinstance(types, str) else types)
    )


def _kind(node: dict[str, Any]) -> str:
    kind = node.get("x-kind", "")
    later = {"error": "not yet", "warning": "not yet (a warning)"}.get(
        node.get("x-not-yet", ""), ""
    )
    for key, values in node.get("x-not-yet-unless", {}).items():
        later += f" unless {key} is {' or '.join(values)}"
    return ", ".join(f"*{word}*" for word in (kind, later) if word)


def _meaning(node: dict[str, Any]) -> str:
    parts = [_sentence(node)]
    if "enum" in node:
        parts.append(f"One of {', '.join(f'`{one}`' for one in node['enum'])}.")
    if "default" in node:
        parts.append(f"Default: `{json.dumps(node['default']).strip(chr(34))}`.")
    if node.get("examples"):
        shown = ", ".join(f"`{_example(one)}`" for one in node["examples"])
        parts.append(f"Example: {shown}.")
    return " ".join(parts).replace("|", "\\|")


def _example(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(node: dict[str, Any]) -> str:
    return str(node.get("description", "")).strip()


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
