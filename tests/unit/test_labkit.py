"""What the virtual lab decides without starting anything."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))
from labkit import guest  # noqa: E402
from labkit.hosts import taken_by  # noqa: E402
from labkit.settings import lab_from_environment  # noqa: E402

# As the kernel writes it: a default route, a bridge's 10.89.7.0/24, a host route to 192.0.2.9.
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
bridge0\t0007590A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
vpn0\t090200C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""


@pytest.mark.parametrize(
    ("subnet", "interface"),
    [
        ("10.89.7.0/24", "bridge0"),
        ("10.89.0.0/16", "bridge0"),
        ("10.89.7.64/27", "bridge0"),
        ("10.89.8.0/24", ""),
        ("192.0.2.0/24", "vpn0"),
        ("198.51.100.0/24", ""),
    ],
)
def test_a_subnet_is_free_or_taken(subnet: str, interface: str) -> None:
    assert taken_by(ipaddress.IPv4Network(subnet), ROUTES) == interface


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PIP_INDEX_URL", "https://pypi.example/simple", "index-url = https://pypi.example/simple"),
        ("PIP_INDEX_URL", "http://localhost:3141/simple", None),
        ("PIP_EXTRA_INDEX_URL", "file:///srv/a https://b.example", "= https://b.example"),
        ("PIP_FIND_LINKS", "/srv/wheels", None),
        ("PIP_TRUSTED_HOST", "pypi.example", "trusted-host = pypi.example"),
        ("PIP_PROXY", "http://127.0.0.1:8080", None),
    ],
)
def test_hosts_get_the_settings_of_pip_that_hold_for_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, line: str | None
) -> None:
    for variable in guest.PIP_SETTINGS:
        monkeypatch.delenv(f"PIP_{variable.upper().replace('-', '_')}", raising=False)
    monkeypatch.setattr(guest, "PIP_FILES", ())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    text = guest.pip_conf()
    assert f"cache-dir = {guest.PIP_CACHE}\n" in text
    if line is None:
        assert value not in text
    else:
        assert line in text
        assert "file:" not in text


def test_equal_files_give_equal_bytes() -> None:
    files = {"etc/b": (0o600, "two"), "etc/a": (0o644, "one")}
    assert guest.as_tar(files) == guest.as_tar(dict(reversed(files.items())))


def test_the_committed_inventory_names_the_hosts_of_the_lab(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LAB_LLM_NAME", raising=False)
    monkeypatch.delenv("LAB_LLM_SUBNET", raising=False)
    lab = lab_from_environment()
    text = lab.inventory.read_text()
    for host, address in lab.addresses.items():
        assert f"{host}: {{ ansible_host: {address} }}" in text
