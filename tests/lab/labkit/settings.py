"""What a lab is: its name, its hosts and their addresses, and where it keeps things."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from .shell import LabError

DEFAULT_NAME = "lab-llm"
DEFAULT_SUBNET = "10.89.7.0/24"
LOGIN = "admin"
HOSTS = {"gateway1": 10, "backend1": 11, "backend2": 12}
GROUPS = {"gateway": ["gateway1"], "backends": ["backend1", "backend2"]}
MIRROR = 5
REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Lab:
    """One lab. Two with different names and subnets stand side by side."""

    name: str
    subnet: ipaddress.IPv4Network
    cache: Path

    @property
    def state(self) -> Path:
        """Keys and files of this very lab; images, artefacts and pip's cache are shared."""
        return self.cache / "labs" / self.name

    @property
    def inventory(self) -> Path:
        """The committed inventory where it is true, else the one that `up` writes."""
        committed = REPOSITORY / "inventories" / "demo" / "hosts.yml"
        return committed if self.is_default else self.state / "hosts.yml"

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT_NAME and str(self.subnet) == DEFAULT_SUBNET

    @property
    def addresses(self) -> dict[str, str]:
        return {host: self.address(number) for host, number in HOSTS.items()}

    @property
    def mirror(self) -> str:
        return self.address(MIRROR)

    def address(self, number: int) -> str:
        return str(self.subnet[number])

    def container(self, host: str) -> str:
        return f"{self.name}-{host}"


def lab_from_environment() -> Lab:
    """The lab that LAB_LLM_NAME, LAB_LLM_SUBNET and XDG_CACHE_HOME choose."""
    name = os.environ.get("LAB_LLM_NAME") or DEFAULT_NAME
    if not name.startswith(DEFAULT_NAME):
        raise LabError(f"LAB_LLM_NAME is {name!r}; it has to begin with {DEFAULT_NAME!r}")
    text = os.environ.get("LAB_LLM_SUBNET") or DEFAULT_SUBNET
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as wrong:
        raise LabError(f"LAB_LLM_SUBNET: {wrong}; write something like 10.89.8.0/24") from wrong
    if subnet.num_addresses < 32:
        raise LabError(f"LAB_LLM_SUBNET is {text}; the lab needs a /27 or larger")
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Lab(name, subnet, Path(home) / "lab-llm")
