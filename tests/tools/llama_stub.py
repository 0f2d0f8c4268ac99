#!/usr/bin/python3
"""A STAND-IN for llama-server, for labs of many hosts: it answers as one would, without a model.

Beside upstream.py as /usr/local/bin/llama-server-stand-in; takes llama-server's --host, --port and
--alias, and whatever else.
"""

from __future__ import annotations

import argparse
import sys

sys.path.insert(0, "/usr/local/lib/llama-stand-in")
import upstream


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--alias", default="stand-in")
    return parser.parse_known_args()[0]


class LlamaServer(upstream.Upstream):
    """Its health is ok, its only model has the name that it was given."""

    def do_GET(self) -> None:  # noqa: N802
        if self.path == "/v1/models":
            self.reply({"object": "list", "data": [{"id": self.name, "object": "model"}]})
        else:
            super().do_GET()


if __name__ == "__main__":
    given = options()
    made = type("Named", (LlamaServer,), {"name": given.alias})
    upstream.Server((given.host, given.port), made).serve_forever()
