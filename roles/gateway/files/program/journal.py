# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Talk to systemd: its journal and its notification socket.

A line that a process of litellm@7.service prints is filed under that unit only. Sent as a
datagram with USER_UNIT=litellm.service it is found under both, so that
`journalctl --user -u litellm.service` shows the gateway's lines whichever generation wrote them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import struct
import sys

JOURNAL = "/run/systemd/journal/socket"
UMBRELLA = "litellm.service"
LONGEST = 48 * 1024  # bytes of a message: what surely fits in one datagram
PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)(_|$)|^LLM_HEADER_")
# What uvicorn says after each failed start, whatever the cause.
CLOSING = "Application startup failed"
LITELLM_LOGGERS = ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router")

_last_error = ""
_secrets: re.Pattern[str] | None = None


def scrub(text: str) -> str:
    """The text without the value of any secret of this process's environment."""
    return _secrets.sub("***", text) if _secrets else text


def last_error() -> str:
    """The last line of the last error that was logged: an exception's message, mostly."""
    return _last_error


def notify(message: str) -> None:
    """sd_notify: one or more lines such as READY=1. Nothing where nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message.encode(), address.replace("@", "\0", 1))


def status(text: str) -> None:
    """The line that `systemctl status` shows, and one in the journal."""
    notify("STATUS=" + text.replace("\n", " ")[:500])
    logging.getLogger("lab.llm").info("%s", text)


class Journal(logging.Handler):
    """Send records as native datagrams; to stderr where there is no journal."""

    def __init__(self, generation: str) -> None:
        super().__init__()
        self.generation = generation
        self.sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def emit(self, record: logging.LogRecord) -> None:
        global _last_error
        text = scrub(COLOUR.sub("", self.format(record)))
        if record.levelno >= logging.ERROR and not record.getMessage().startswith(CLOSING):
            said = scrub(record.getMessage()).strip().splitlines()
            _last_error = said[-1].strip() if said else _last_error
        try:
            self.sender.sendto(self.datagram(record, text), JOURNAL)
        except OSError:
            sys.stderr.write(text + "\n")

    def datagram(self, record: logging.LogRecord, text: str) -> bytes:
        message = text.encode(errors="replace")[:LONGEST]
        fields = {
            "PRIORITY": next(number for level, number in PRIORITIES if record.levelno >= level),
            "SYSLOG_IDENTIFIER": "litellm",
            "USER_UNIT": UMBRELLA,
            "LAB_LLM_GENERATION": self.generation,
            "LOGGER": record.name,
        }
        lines = "".join(f"{name}={value}\n" for name, value in fields.items()).encode()
        # A value with line feeds is given by its length.
        return lines + b"MESSAGE\n" + struct.pack("<Q", len(message)) + message + b"\n"


def begin(generation: str) -> None:
    """Send every record of this process to the journal, without secrets."""
    global _secrets
    values = [v for n, v in os.environ.items() if SECRET_NAME.search(n) and len(v) >= 6]
    longest_first = sorted(values, key=len, reverse=True)
    _secrets = re.compile("|".join(map(re.escape, longest_first))) if values else None
    root = logging.getLogger()
    root.handlers = [Journal(generation)]
    root.handlers[0].setFormatter(logging.Formatter("%(name)s: %(message)s"))
    root.setLevel(logging.WARNING)
    for name in ("lab.llm", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.INFO)


def take_over() -> None:
    """LiteLLM's loggers print for themselves: let ours do it.

    The router's INFO lines name the deployment that answered, which the guide looks for in the
    log; the others' would hold more than that.
    """
    for name in LITELLM_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    if "LITELLM_LOG" not in os.environ:
        logging.getLogger("LiteLLM Router").setLevel(logging.INFO)
    for handler in logging.getLogger("uvicorn").handlers[:]:
        logging.getLogger("uvicorn").removeHandler(handler)
