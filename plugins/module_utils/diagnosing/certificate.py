# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate that an https address shows: whether it is trusted, whose it is, how long it
is good for."""

from __future__ import annotations

import datetime
import re
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from .rows import Row, row, unknown

SECONDS = 8.0
PLAIN_SECONDS = 3.0
SOON_DAYS = 14
# OpenSSL's numbers of what a verification found: X509_V_ERR_*.
_FAULTS = {
    9: "not_yet_valid",
    10: "expired",
    18: "self_signed",
    19: "unknown_authority",
    20: "unknown_authority",
    21: "unknown_authority",
    62: "wrong_name",
    64: "wrong_name",
}
_WORDS = {
    "not_yet_valid": "it is not valid yet",
    "expired": "it has expired",
    "self_signed": "it is signed by itself alone",
    "unknown_authority": "it is signed by an authority that the gateway does not know",
    "wrong_name": "it is for another name",
}


def certificate(name: str, port: int, authorities: str = "", seconds: float = SECONDS) -> Row:
    """Whether TLS comes about as LiteLLM does it. `authorities` is the file of those that it
    trusts, "" for the host's."""
    asked = f"the certificate of {name} port {port}"
    expected = "trusted, for this name, not expired"
    about: dict[str, Any] = {"name": name, "port": port, "authorities": authorities}
    try:
        shown = _verified(name, port, _context(authorities), seconds)
    except ssl.SSLCertVerificationError as error:
        fault = _FAULTS.get(error.verify_code, "refused")
        about |= _shown(name, port, seconds, fault)
        seen = _WORDS.get(fault, error.verify_message) + _besides(about)
        return row("tls", asked, expected, seen, fault, **about)
    except ssl.SSLError as error:
        plain = error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
        seen = "it does not speak TLS" if plain else str(error.reason or error)
        return row("tls", asked, expected, seen, "not_tls" if plain else "failed", **about)
    except (socket.gaierror, UnicodeError):
        return unknown("tls", asked, "not asked: the name has no address", **about)
    except TimeoutError:
        # Some servers wait for the end of a line that TLS never sends.
        if _speaks_plainly(name, port):
            seen = "it answers plain HTTP, and does not speak TLS"
            return row("tls", asked, expected, seen, "not_tls", **about)
        return row("tls", asked, expected, f"no answer within {seconds:g} s", "silent", **about)
    except OSError as error:
        return unknown("tls", asked, f"not asked: {error.strerror or error}", **about)
    days = int((ssl.cert_time_to_seconds(shown["notAfter"]) - time.time()) // 86400)
    fault = "expires_soon" if days < SOON_DAYS else ""
    return row("tls", asked, expected, f"trusted, {days} days left", fault, **about, days=days)


def authorities_of(venv: Path, environment: dict[str, str]) -> str:
    """The file of the authorities that a LiteLLM of this venv trusts with these variables."""
    if environment.get("SSL_CERT_FILE"):
        return environment["SSL_CERT_FILE"]
    found = sorted(venv.glob("lib/python3*/site-packages/certifi/cacert.pem"))
    return str(found[0]) if found else ""


def validity(der: bytes) -> tuple[float, float]:
    """When a certificate begins and ceases to be valid, in seconds since 1970; for one that nobody
    trusts Python tells nothing. Raises ValueError."""
    times = re.findall(rb"(?:\x17\x0d(\d{12}Z)|\x18\x0f(\d{14}Z))", der)
    if len(times) < 2:
        raise ValueError("no validity in this certificate")
    both = [_seconds((short or long).decode()) for short, long in times[:2]]
    return both[0], both[1]


def _seconds(text: str) -> float:
    form = "%y%m%d%H%M%SZ" if len(text) == 13 else "%Y%m%d%H%M%SZ"
    return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC).timestamp()


def _context(authorities: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities or None)


def _verified(name: str, port: int, context: ssl.SSLContext, seconds: float) -> dict[str, Any]:
    with _secure(name, port, context, seconds) as secure:
        return dict(secure.getpeercert() or {})


def _secure(name: str, port: int, context: ssl.SSLContext, seconds: float) -> ssl.SSLSocket:
    plain = socket.create_connection((name, port), seconds)
    try:
        return context.wrap_socket(plain, server_hostname=name)
    except BaseException:
        plain.close()
        raise


def _speaks_plainly(name: str, port: int) -> bool:
    try:
        with socket.create_connection((name, port), PLAIN_SECONDS) as plain:
            plain.settimeout(PLAIN_SECONDS)
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return plain.recv(5) == b"HTTP/"
    except OSError:
        return False


def _shown(name: str, port: int, seconds: float, fault: str) -> dict[str, Any]:
    """What the certificate that was refused says: {days, names}."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    found: dict[str, Any] = {}
    try:
        with _secure(name, port, context, seconds) as secure:
            der = secure.getpeercert(binary_form=True) or b""
        begins, ends = validity(der)
        found["days"] = int(((begins if fault == "not_yet_valid" else ends) - time.time()) // 86400)
        found["names"] = _names(name, port, der, seconds)
    except (OSError, ValueError):
        return found
    return found


def _names(name: str, port: int, der: bytes, seconds: float) -> str:
    """The names that it is for, "" where they cannot be read."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be signed by itself
    context.load_verify_locations(cadata=der)
    try:
        shown = _verified(name, port, context, seconds)
    except OSError:
        return ""
    return ", ".join(str(value) for _kind, value in shown.get("subjectAltName", ()))


def _besides(about: dict[str, Any]) -> str:
    days = about.get("days")
    said = [] if days is None else [f"{abs(days)} days {'ago' if days < 0 else 'left'}"]
    said += [f"for {about['names']}"] if about.get("names") else []
    return f" ({', '.join(said)})" if said else ""
