"""Writes litellm_known.py and litellm_providers.py of plugins/module_utils/routing from the LiteLLM
that runs this.

build/venvs/litellm/bin/python tests/tools/litellm_known.py [--check]
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
FOLDER = Path(__file__).resolve().parents[2] / "plugins/module_utils/routing"
LICENCE = """\
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""
OF_PROVIDERS = '''\
"""The providers that LiteLLM knows: all that may stand before a slash.

Written by tests/tools/litellm_known.py; a test holds it to the real LiteLLM.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


'''
OF_MODELS = '''\
"""The models that LiteLLM takes for a provider's.

A name that nobody serves is tried once more with its provider before it: `gpt-4o` is then what
`openai/*` answers. Written by tests/tools/litellm_known.py; a test holds it to the real LiteLLM.
"""

from __future__ import annotations

from .litellm_providers import words

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


def written() -> dict[str, str]:
    """The modules' texts by their names."""
    known = [LICENCE, OF_PROVIDERS, "PROVIDERS = words(", *_text(providers(), ""), ")\n"]
    lines = [LICENCE, OF_MODELS, "MODELS = {\n"]
    for provider, names in models().items():
        lines += [f'    "{provider}": words(', *_text(names, "    "), "),\n"]
    return {"litellm_providers.py": "".join(known), "litellm_known.py": "".join([*lines, "}\n"])}


def _text(names: Iterable[str], indent: str) -> list[str]:
    lines = textwrap.wrap(" ".join(names), 96, break_on_hyphens=False, break_long_words=False)
    if len(lines) == 1 and len(lines[0]) < 70:
        return [f'"{lines[0]}"']
    return ['"""\n', *(f"{indent}{line}\n" for line in lines), f'{indent}"""']


if __name__ == "__main__":
    texts = written()
    if "--check" in sys.argv:
        sys.exit(any((FOLDER / name).read_text() != text for name, text in texts.items()))
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
