"""How one logs in: known hosts, ssh's configuration, an inventory for a lab that is elsewhere."""

from __future__ import annotations

from pathlib import Path

from .settings import GROUPS, LOGIN, Lab


def ssh_config(lab: Lab) -> Path:
    return lab.state / "ssh_config"


def write(lab: Lab) -> None:
    """Write the files below the lab's state folder; the same lab gives the same files."""
    known = ""
    hosts = ""
    for host, address in lab.addresses.items():
        kind, key = (lab.state / f"host_{host}.pub").read_text().split()[:2]
        known += f"{address} {kind} {key}\n"
        hosts += f"Host {host}\n  HostName {address}\n"
    _put(lab.state / "known_hosts", known)
    common = f"""Host {" ".join([*lab.addresses, *lab.addresses.values()])}
  User {LOGIN}
  IdentityFile "{lab.state / "id_ed25519"}"
  IdentitiesOnly yes
  UserKnownHostsFile "{lab.state / "known_hosts"}"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  ConnectTimeout 10
  LogLevel ERROR
"""
    _put(ssh_config(lab), hosts + common)
    if not lab.is_default:
        _put(lab.state / "hosts.yml", _inventory(lab))


def forget_connections(lab: Lab) -> None:
    """Remove the sockets of ssh connections to hosts that are gone."""
    for path in (lab.state / "cp").glob("*"):
        path.unlink(missing_ok=True)


def _inventory(lab: Lab) -> str:
    """What is different from the committed inventory under another name or subnet; it stands by
    itself, and also overrides the committed one when given after it."""
    read = f"lookup('ansible.builtin.file', '{lab.state}/artifacts.json')"
    variables = {
        "lab_state": lab.state,
        "lab_artifacts": f'"{{{{ {read} | from_json }}}}"',
        "ansible_user": LOGIN,
        "ansible_host_key_checking": "true",
        "ansible_ssh_common_args": f'-F "{ssh_config(lab)}"',
        "ansible_control_path_dir": lab.state / "cp",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    lines = ["all:", "  children:", "    lab:", "      vars:"]
    lines += [f"        {name}: {value}" for name, value in variables.items()]
    lines.append("      children:")
    for group, members in GROUPS.items():
        lines += [f"        {group}:", "          hosts:"]
        known = [host for host in members if host in lab.addresses]
        hosts = [f"{host}: {{ansible_host: {lab.addresses[host]}}}" for host in known]
        lines += [f"            {host}" for host in hosts]
    return "\n".join(lines) + "\n"


def _put(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
