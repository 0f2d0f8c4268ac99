"""A stand-in for a provider that can be told to fail: the one of upstream.py, beside this file.

python3 moody.py PORT NAME. PUT /3 lets every third request answer 500 from now on, PUT /0 none.
"""

from __future__ import annotations

import itertools
import sys

import upstream


class Moody(upstream.Upstream):
    """All requests are counted together; what is told to one is told to all."""

    every = 0
    count = itertools.count(1)

    def do_PUT(self) -> None:  # noqa: N802
        type(self).every = int(self.path.strip("/"))
        self.reply({"every": self.every})

    def do_POST(self) -> None:  # noqa: N802
        if self.every and next(self.count) % self.every == 0:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.reply({"error": {"message": f"{self.name} is in a mood", "type": "server"}}, 500)
        else:
            super().do_POST()


if __name__ == "__main__":
    made = type("Named", (Moody,), {"name": sys.argv[2]})
    upstream.Server(("0.0.0.0", int(sys.argv[1])), made).serve_forever()
