# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The YAML parser: libyaml's, or PyYAML's own where it was built without."""

from __future__ import annotations

import io
from typing import Any

try:
    import yaml
    from yaml import parser, reader, scanner
except ImportError:  # reported by load.load_registry, where somebody can act on it
    pass
else:

    class PurePythonParser(reader.Reader, scanner.Scanner, parser.Parser):
        """PyYAML's own parser: slower, otherwise the same."""

        def __init__(self, stream: io.StringIO) -> None:
            reader.Reader.__init__(self, stream)
            scanner.Scanner.__init__(self)
            parser.Parser.__init__(self)


def parser_of(text: str) -> Any:  # noqa: ANN401 - two classes with no common one
    """A parser with `get_event()` over the text."""
    if yaml.__with_libyaml__:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]

        return CParser(io.StringIO(text))
    return PurePythonParser(io.StringIO(text))
