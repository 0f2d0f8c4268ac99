"""Writes plugins/module_utils/routing/litellm_known.py from the LiteLLM that runs this.

build/venvs/litellm/bin/python tests/tools/litellm_known.py [--check]
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
TARGET = Path(__file__).resolve().parents[2] / "plugins/module_utils/routing/litellm_known.py"
HEAD = '''\
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words that LiteLLM knows: its providers, and the models that it takes for a provider's.

A name that nobody serves is tried once more with its provider before it: `gpt-4o` is then what
`openai/*` answers. Written by tests/tools/litellm_known.py; a test holds it to the real LiteLLM.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


'''


def models() -> dict[str, list[str]]:
    """provider -> the names that it is inferred from, of those without a slash."""
    import litellm
    from litellm.litellm_core_utils.get_llm_provider_logic import inferred_provider

    litellm.suppress_debug_info = True
    names = set(litellm.model_cost)
    for word in dir(litellm):
        value = getattr(litellm, word)
        if word.endswith("models") and isinstance(value, list | set | frozenset):
            names |= {one for one in value if isinstance(one, str)}
    found: dict[str, list[str]] = {}
    for name in sorted(name for name in names if "/" not in name and " " not in name):
        provider = inferred_provider(name)
        if provider:
            found.setdefault(provider, []).append(name)
    return dict(sorted(found.items()))


def providers() -> list[str]:
    """All that may stand before a slash."""
    import litellm

    return sorted(getattr(one, "value", one) for one in litellm.provider_list)


def written() -> str:
    """The module's text."""
    lines = [HEAD, "PROVIDERS = _words(", *_text(providers(), ""), ")\n", "MODELS = {\n"]
    for provider, names in models().items():
        lines += [f'    "{provider}": _words(', *_text(names, "    "), "),\n"]
    return "".join([*lines, "}\n"])


def _text(names: Iterable[str], indent: str) -> list[str]:
    lines = textwrap.wrap(" ".join(names), 96, break_on_hyphens=False, break_long_words=False)
    if len(lines) == 1 and len(lines[0]) < 70:
        return [f'"{lines[0]}"']
    return ['"""\n', *(f"{indent}{line}\n" for line in lines), f'{indent}"""']


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(written() != TARGET.read_text())
    TARGET.write_text(written())
