# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Committing a registry's change: these files and no others, whatever else is under way there.

Nothing here changes what stands in a file or takes something out of the user's index; where git
refuses, all is as it was before the attempt.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

SECONDS = 120.0  # hooks may take a while; an editor or a passphrase is never waited for
# Of a git that runs this from a hook of its own: it would be taken for the registry's.
FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")
UNDER_WAY = (
    *(("MERGE_HEAD", "a merge"), ("CHERRY_PICK_HEAD", "a cherry-pick")),
    *(("REVERT_HEAD", "a revert"), ("rebase-merge", "a rebase"), ("rebase-apply", "a rebase")),
)


class GitError(Exception):
    """Why it was not committed, in a sentence for people."""


class Repository:
    """The repository that a directory stands in. Raises GitError without git or a repository."""

    def __init__(self, directory: str) -> None:
        self.directory = Path(directory).resolve()
        try:
            self.top = Path(self.git("rev-parse", "--show-toplevel"))
        except GitError as error:
            if "not a git repository" not in str(error):
                raise
            raise GitError(f"{directory} is in no git repository: `git init` makes one") from None

    def ready(self, files: Iterable[str], unchanged: Iterable[str] = ()) -> None:
        """See that these files can be committed later; nobody may have changed those of `unchanged`
        by then, for that would be committed as well. Raises GitError."""
        folder = self.directory / self.git("rev-parse", "--git-dir")
        for name, what in UNDER_WAY:
            if (folder / name).exists():
                raise GitError(f"{what} is under way in {self.top}: end it first")
        if not self.says("symbolic-ref", "--quiet", "HEAD"):
            raise GitError(f"{self.top} is on no branch: check one out first")
        for file in self.inside(files):
            if self.says("check-ignore", "--", file) and not self.says("ls-files", "--", file):
                raise GitError(f"git ignores {file}: see `git check-ignore -v {file}`")
        changed = self.changed(self.inside(unchanged))
        if changed:
            names = ", ".join(changed)
            raise GitError(f"{names} has changes that are not committed: commit or undo them first")

    def commit(self, files: Iterable[str], message: str) -> str:
        """Commit these files as they stand, gone ones too; the commit's short hash.

        "" where none of them differs from what is committed. Raises GitError if git or a hook of
        the repository refuses.
        """
        mine = self.inside(files)
        changed = self.changed(mine)
        if not changed:
            return ""
        new = [one for one in changed if not self.says("ls-files", "--", one)]
        if new:
            self.git("add", "--intent-to-add", "--", *new)
        try:
            self.git("commit", "--quiet", "--only", "--file=-", "--", *changed, said=message)
        except GitError as error:
            if new:
                self.says("reset", "--quiet", "--", *new)
            raise GitError(f"{error} (later, by hand: {self.by_hand(changed)})") from None
        return self.head()

    def by_hand(self, files: Iterable[str]) -> str:
        """The command that commits these."""
        words = [shlex.quote(str(Path(one).relative_to(self.top))) for one in files]
        git = f"git -C {shlex.quote(str(self.top))}"
        return f"{git} add {' '.join(words)} && {git} commit --only {' '.join(words)}"

    def head(self) -> str:
        """The commit that is checked out, short."""
        return self.git("rev-parse", "--short=12", "HEAD")

    def only(self, files: Iterable[str]) -> None:
        """See that nothing in the directory but these files differs from what is committed: what
        a tag names would not be what was proven. Raises GitError."""
        mine = self.inside(files)
        others = [one for one in self.changed([str(self.directory)]) if one not in mine]
        if others:
            names = ", ".join(str(Path(one).relative_to(self.top)) for one in others)
            raise GitError(f"{names} would not be in what the tag is put on: commit that first")

    def tag(self, name: str, message: str) -> bool:
        """Put an annotated tag on what is checked out; whether it is new. Raises GitError."""
        there = self.says("rev-parse", "--quiet", "--verify", f"refs/tags/{name}^{{commit}}")
        if there:
            if there == self.git("rev-parse", "HEAD"):
                return False
            told = f"the tag {name} is on {there[:12]} already, and stays there"
            raise GitError(f"{told}: choose other names with -e llm_tag_prefix=WORD-")
        self.git("tag", "--annotate", "--file=-", name, said=message)
        return True

    def changed(self, files: Iterable[str]) -> list[str]:
        """Those that differ from what is committed, in the index or out of it."""
        wanted = list(files)
        if not wanted:
            return []
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all")
        said = self.git("status", *options, "--", *wanted)
        return [str(self.top / one[3:]) for one in said.split("\0") if one]

    def inside(self, files: Iterable[str]) -> list[str]:
        """The files that are in this repository, below its top; a link stands for itself."""
        found = []
        for file in files:
            path = Path(file).absolute()
            path = path.parent.resolve() / path.name
            if path.is_relative_to(self.top):
                found.append(str(path))
        return found

    def says(self, *words: str) -> str:
        """What git says, "" if it refuses."""
        try:
            return self.git(*words)
        except GitError:
            return ""

    def git(self, *words: str, said: str | None = None) -> str:
        """What git says. Raises GitError with its own words."""
        # A file's name is no pattern; check-ignore knows no others, and no such option.
        literal = [] if words[0] == "check-ignore" else ["--literal-pathspecs"]
        command = ["git", "-C", str(self.directory), *literal, *words]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                input=said if said is not None else "",
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=SECONDS,
                env=environment(),
            )
        except FileNotFoundError:
            raise GitError("git is not installed here") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GitError(f"git {words[0]}: {error}") from None
        if done.returncode != 0:
            told = (done.stderr.strip() or done.stdout.strip()).removeprefix("fatal: ")
            raise GitError(f"git {words[0]} refuses: {told or f'exit status {done.returncode}'}")
        return done.stdout.strip("\n")


def environment() -> Mapping[str, str]:
    """What git runs with: nobody is there to be asked."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return {**kept, "GIT_EDITOR": "true", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
