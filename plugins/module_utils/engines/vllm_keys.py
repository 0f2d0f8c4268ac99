# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several keys for one vLLM, while a key takes the place of another.

Its variable holds one key, its option takes several, and an option of the command line is there for
all to see. So the process adds the option to its own words, from a variable that holds a row.
"""

from __future__ import annotations

from collections.abc import Sequence

KEY = "VLLM_API_KEY"
# Older releases write their options, the keys among them, into the journal.
LAUNCH = f"""\
import csv, logging, os, runpy, sys
keys = next(csv.reader([os.environ["{KEY}"]]))
os.environ["{KEY}"] = keys[0]
make = logging.getLogRecordFactory()
def masked(*given, **more):
    record = make(*given, **more)
    try:
        text = record.getMessage()
    except Exception:  # whatever its values make of it: vLLM runs on
        return record
    if any(key in text for key in keys):
        for key in keys:
            text = text.replace(key, "***")
        record.msg, record.args = text, ()
    return record
logging.setLogRecordFactory(masked)
words = sys.argv[1:]
if words[0] == "-m":
    sys.argv = [*words[1:], "--api-key", *keys]
    runpy.run_module(words[1], run_name="__main__", alter_sys=True)
else:
    sys.argv = [*words, "--api-key", *keys]
    runpy.run_path(words[0], run_name="__main__")
"""


def takes_several(command: Sequence[str]) -> bool:
    """Whether vLLM, started by these words behind its Python, can be given several keys."""
    return bool(command) and (command[0] == "-m" or not command[0].startswith("-"))


def with_several(argv: Sequence[str]) -> list[str]:
    """The command of a vLLM that takes each key of the row in its variable."""
    return [argv[0], "-c", LAUNCH, *argv[1:]]
