# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The encrypted part of a backup: by ansible-vault, with the password that the user has given."""

from __future__ import annotations

from typing import Any

from ansible import constants as C  # noqa: N812 - as all of Ansible calls it
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import (
    AnsibleVaultError,
    VaultLib,
    get_file_vault_secret,
    match_encrypt_secret,
)

HOW = "--ask-vault-pass, --vault-id, --vault-password-file or -e backup_vault_password_file=FILE"


class VaultError(Exception):
    """No password, or the wrong one; the message says what to give."""


def passwords(loader: DataLoader, file: str | None) -> list[tuple[str, Any]]:
    """[(vault id, secret)]: the file's, else those that ansible-playbook was given.

    Raises VaultError if there is none.
    """
    try:
        if file:
            secret = get_file_vault_secret(filename=file, vault_id="backup", loader=loader)
            secret.load()
            return [("backup", secret)]
        found = list(loader._vault.secrets or [])
    except AnsibleError as error:
        raise VaultError(str(error)) from None
    if not found:
        raise VaultError(f"secrets stand in a backup encrypted, and no password was given: {HOW}")
    return found


def encrypt(text: str, secrets: list[tuple[str, Any]]) -> bytes:
    """As ansible-vault encrypts, with the vault id that is set up for it, else the first."""
    vault_id, secret = match_encrypt_secret(secrets, C.DEFAULT_VAULT_ENCRYPT_IDENTITY)
    return VaultLib(secrets).encrypt(text, secret, vault_id)


def decrypt(text: str, secrets: list[tuple[str, Any]]) -> str:
    """Raises VaultError if no password fits, or the text was altered."""
    try:
        return VaultLib(secrets).decrypt(text).decode()
    except (AnsibleVaultError, AnsibleError, UnicodeDecodeError):
        raise VaultError(
            f"its secrets cannot be decrypted: another password was used. Give it with {HOW}"
        ) from None
