# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Where the gateway is on its host, and whose it is."""

    DOCUMENTATION = r"""
options:
  path:
    description: The gateway's folder on the host.
    type: path
    required: true
  user:
    description: The user that the gateway runs as. The module becomes this user if run as root.
    type: str
"""
