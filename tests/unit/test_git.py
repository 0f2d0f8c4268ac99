# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Committing a registry's change with the real git, and what is left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.registry.git import GitError, Repository

MESSAGE = "Add the provider mistral\n\nGeneration 7 serves it.\n# no comment\n"


class Work:
    """A repository with a registry in it, and git by hand."""

    def __init__(self, top: Path) -> None:
        self.top, self.registry = top, top / "lab/registry"
        self.registry.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for name, value in (("user.name", "A"), ("user.email", "a@lab"), ("commit.gpgsign", "0")):
            self.git("config", name, value)
        self.write("base.yaml", "providers: {}\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "Begin")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.top, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def write(self, name: str, text: str) -> str:
        path = self.registry / name
        path.write_text(text)
        return str(path)

    def hook(self, text: str) -> None:
        hook = self.top / ".git/hooks/pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{text}\n")
        hook.chmod(0o755)

    def status(self) -> str:
        return self.git("status", "--porcelain", "-uall")

    @property
    def repository(self) -> Repository:
        return Repository(str(self.registry))


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    return Work(tmp_path / "work")


def test_a_new_file_a_changed_one_and_one_that_is_gone(work: Work) -> None:
    gone = work.write("old name.yaml", "x: 1\n")
    work.git("add", ".")
    work.git("commit", "--quiet", "-m", "More")
    new, changed = work.write("mistral.yaml", "a: 1\n"), work.write("base.yaml", "b: 1\n")
    Path(gone).unlink()
    made = work.repository.commit([new, changed, gone, "/elsewhere/page.md"], MESSAGE)
    assert made == work.git("rev-parse", "--short=12", "HEAD")
    assert work.status() == ""
    assert work.git("show", "--format=%B", "--no-patch", "HEAD").rstrip() == MESSAGE.rstrip()
    assert work.git("show", "--format=", "--name-status", "HEAD").splitlines() == [
        "M\tlab/registry/base.yaml",
        "A\tlab/registry/mistral.yaml",
        "D\tlab/registry/old name.yaml",
    ]


def test_what_else_is_changed_and_staged_stays_as_it_is(work: Work) -> None:
    work.write("other.yaml", "mine: 1\n")
    work.git("add", ".")
    work.write("base.yaml", "half: 1\n")
    work.write("third.yaml", "")
    new = work.write("mistral.yaml", "a: 1\n")
    assert work.repository.commit([new], MESSAGE)
    assert work.git("show", "--format=", "--name-only", "HEAD") == "lab/registry/mistral.yaml"
    assert work.status().splitlines() == [
        " M lab/registry/base.yaml",
        "A  lab/registry/other.yaml",
        "?? lab/registry/third.yaml",
    ]


def test_nothing_to_commit_is_no_commit(work: Work) -> None:
    before = work.git("rev-parse", "HEAD")
    assert work.repository.commit([str(work.registry / "base.yaml")], MESSAGE) == ""
    assert work.git("rev-parse", "HEAD") == before


def test_a_hook_that_refuses_loses_nothing(work: Work) -> None:
    work.hook("echo 'no commits on Sundays' >&2; exit 1")
    work.write("other.yaml", "mine: 1\n")
    work.git("add", ".")
    new, changed = work.write("mistral.yaml", "a: 1\n"), work.write("base.yaml", "b: 1\n")
    before = work.status(), work.git("rev-parse", "HEAD")
    with pytest.raises(GitError, match="git commit refuses: no commits on Sundays") as refused:
        work.repository.commit([new, changed], MESSAGE)
    assert (work.status(), work.git("rev-parse", "HEAD")) == before
    assert Path(new).read_text() == "a: 1\n"
    later = str(refused.value).partition("by hand: ")[2].rstrip(")")
    work.hook("exit 0")
    subprocess.run(f"{later} -m Later", shell=True, check=True, capture_output=True)
    assert work.status() == "A  lab/registry/other.yaml"


def test_nobody_is_asked_who_it_is(work: Work) -> None:
    work.git("config", "--unset", "user.name")
    work.git("config", "user.useConfigOnly", "true")
    work.git("config", "--unset", "user.email")
    with pytest.raises(GitError, match=r"git commit refuses: (?s:.*)identity"):
        work.repository.commit([work.write("new.yaml", "")], MESSAGE)
    assert work.status() == "?? lab/registry/new.yaml"


def test_a_tag_is_put_once_and_never_moved(work: Work) -> None:
    assert work.repository.tag("llm-generation-7", "Generation 7 of gw1\n")
    assert work.git("cat-file", "-t", "llm-generation-7") == "tag"
    assert work.git("tag", "--list", "--format=%(contents)", "llm-generation-7").strip() == (
        "Generation 7 of gw1"
    )
    assert not work.repository.tag("llm-generation-7", "again\n")
    work.repository.commit([work.write("new.yaml", "")], MESSAGE)
    with pytest.raises(GitError, match=r"the tag llm-generation-7 is on .* already, and stays"):
        work.repository.tag("llm-generation-7", "again\n")


def test_a_registry_that_is_in_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="is in no git repository: `git init` makes one"):
        Repository(str(tmp_path))


def test_without_git(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitError, match="git is not installed here"):
        Repository(str(work.registry))


def test_a_git_that_runs_this_from_a_hook_is_not_taken_for_the_registrys(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    assert work.repository.top == work.top


def test_a_registry_that_can_be_committed_is_ready(work: Work) -> None:
    files = [str(work.registry / name) for name in ("base.yaml", "mistral.yaml")]
    work.repository.ready([*files, "/elsewhere/page.md"], files[:1])


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (["checkout", "--quiet", "--detach"], "is on no branch: check one out first"),
        (["update-ref", "MERGE_HEAD", "HEAD"], "a merge is under way"),
        (["update-ref", "CHERRY_PICK_HEAD", "HEAD"], "a cherry-pick is under way"),
    ],
)
def test_where_nothing_can_be_committed(work: Work, do: list[str], said: str) -> None:
    work.git(*do)
    with pytest.raises(GitError, match=said):
        work.repository.ready([])


def test_what_is_ignored_or_changed_already_is_said_before_anything_is_done(work: Work) -> None:
    (work.top / ".gitignore").write_text("mistral.yaml\n")
    new = str(work.registry / "mistral.yaml")
    with pytest.raises(GitError, match=r"git ignores .*/mistral\.yaml"):
        work.repository.ready([new])
    base = work.write("base.yaml", "half: 1\n")
    with pytest.raises(GitError, match=r"base\.yaml has changes that are not committed"):
        work.repository.ready([base], [base])
    work.repository.ready([base])  # it is the change


def test_a_tag_is_of_all_that_was_proven(work: Work) -> None:
    new, page = work.write("mistral.yaml", "a: 1\n"), work.write("providers.md", "")
    (work.top / "elsewhere").write_text("")
    work.repository.only([new, page])
    work.write("base.yaml", "half: 1\n")
    with pytest.raises(GitError, match=r"^lab/registry/base\.yaml would not be in what the tag"):
        work.repository.only([new, page])


def test_a_registry_behind_a_link(work: Work, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(work.registry)
    (link / "mistral.yaml").write_text("a: 1\n")
    assert Repository(str(link)).commit([str(link / "mistral.yaml")], MESSAGE)
    assert work.status() == ""


def test_names_that_git_would_take_for_patterns(work: Work) -> None:
    odd, other = work.write("*.yaml", "a: 1\n"), work.write("x.yaml", "b: 1\n")
    assert work.repository.commit([odd], MESSAGE)
    assert work.status() == "?? lab/registry/x.yaml"
    assert Path(other).exists()
