"""What a host gets when it starts, and no image holds: keys, addresses, this machine's settings."""

from __future__ import annotations

import configparser
import io
import os
import tarfile
from pathlib import Path

from .settings import LOGIN, Lab
from .shell import run

CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PIP_CACHE = "/var/cache/lab-pip"
# pip's settings that make sense on another host, and whether only their URLs do.
PIP_SETTINGS = {
    "index-url": True,
    "extra-index-url": True,
    "find-links": True,
    "proxy": True,
    "trusted-host": False,
    "timeout": False,
    "default-timeout": False,
}
PIP_FILES = ("/etc/xdg/pip/pip.conf", "/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def ensure_keys(lab: Lab) -> None:
    """The key to log in with and each host's own, made once a lab."""
    names = ["id_ed25519", *(f"host_{host}" for host in lab.addresses)]
    lab.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in names:
        key = lab.state / name
        if not (key.exists() and key.with_suffix(".pub").exists()):
            key.unlink(missing_ok=True)
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{lab.name} {name}"]
            run([*argv, "-f", str(key)], timeout=30)


def has_certificates() -> bool:
    """Whether this machine trusts authorities of its own."""
    return CERTIFICATES.is_dir() and any(CERTIFICATES.rglob("*.crt"))


def host_files(lab: Lab, host: str) -> dict[str, tuple[int, str]]:
    """Path on the host → (mode, text)."""
    key = lab.state / f"host_{host}"
    files = {
        "etc/ssh/ssh_host_ed25519_key": (0o600, key.read_text()),
        "etc/ssh/ssh_host_ed25519_key.pub": (0o644, key.with_suffix(".pub").read_text()),
        f"etc/ssh/authorized_keys.d/{LOGIN}": (0o644, (lab.state / "id_ed25519.pub").read_text()),
        "etc/pip.conf": (0o644, pip_conf()),
        "etc/uv/uv.toml": (0o644, uv_toml()),
    }
    if environment := proxy_environment():
        files["etc/environment"] = (0o644, environment)
    return files


def as_tar(files: dict[str, tuple[int, str]]) -> bytes:
    """Those files as a tar archive, all of them root's; equal files give equal bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, (mode, text) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            data = text.encode()
            entry.mode, entry.size = mode, len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def pip_conf() -> str:
    """pip's configuration on the hosts: the shared cache, and this machine's ways to an index."""
    lines = ["[global]", f"cache-dir = {PIP_CACHE}", "disable-pip-version-check = true"]
    if has_certificates():
        lines.append(f"cert = {BUNDLE}")
    for name, value in sorted(machine_pip_settings().items()):
        words = value.split()
        if PIP_SETTINGS[name]:
            words = [word for word in words if _reachable(word)]
        if words:
            lines.append(f"{name} = {' '.join(words)}")
    return "\n".join(lines) + "\n"


def uv_toml() -> str:
    """The same for uv, should anybody install it; no two users can share its cache."""
    return "system-certs = true\n" if has_certificates() else ""


def machine_pip_settings() -> dict[str, str]:
    """This machine's, from pip's files and then from its environment variables."""
    files = [*map(os.path.expanduser, PIP_FILES), os.environ.get("PIP_CONFIG_FILE") or os.devnull]
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(files)
    except configparser.Error:
        parser = configparser.RawConfigParser()
    found = {}
    for name in PIP_SETTINGS:
        value = os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
        value = value or parser.get("global", name, fallback="")
        if value:
            found[name] = value
    return found


def proxy_environment() -> str:
    """Lines of /etc/environment; empty when this machine uses no proxy."""
    values = {name: os.environ.get(name, "") for name in PROXIES}
    return "".join(
        f"{name}={value}\n"
        for name, value in values.items()
        if value and (name.lower() == "no_proxy" or _reachable(value))
    )


def _reachable(url: str) -> bool:
    """Whether a host can use it: neither a file of this machine's nor its own loopback."""
    if not url.startswith(("http://", "https://")):
        return False
    return not any(f"//{name}" in url or f"@{name}" in url for name in ("localhost", "127."))
