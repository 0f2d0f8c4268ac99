"""The image of a lab host, built once for what it is made of."""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

from .machine import need, podman
from .settings import Lab
from .shell import as_root, run, say

RECIPE = Path(__file__).resolve().parent.parent / "image"
RELEASE = "bookworm"
REGISTRY_IMAGE = f"docker.io/library/debian:{RELEASE}-slim"
REGISTRY = "https://registry-1.docker.io/v2/"
DEBIAN = "http://deb.debian.org/debian"
BY_MMDEBSTRAP = "mmdebstrap"


def host_image() -> str:
    """The name of the host image that belongs to this checkout."""
    digest = hashlib.sha256((os.environ.get("LAB_LLM_BASE_IMAGE") or "").encode())
    for path in sorted(RECIPE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"localhost/lab-llm-host:{digest.hexdigest()[:16]}"


def ensure_image(lab: Lab) -> str:
    """Build the host image unless it is there; returns its name."""
    image = host_image()
    if run(podman(lab, "image", "exists", image), timeout=30, check=False).returncode == 0:
        return image
    base = os.environ.get("LAB_LLM_BASE_IMAGE") or (
        REGISTRY_IMAGE if registry_answers() else BY_MMDEBSTRAP
    )
    if base == BY_MMDEBSTRAP:
        base = _bootstrap(lab)
    say(f"building the host image from {base}")
    argv = [
        "build",
        "--quiet",
        "--layers=false",
        "--build-arg",
        f"BASE={base}",
        "--tag",
        image,
        str(RECIPE),
    ]
    run(podman(lab, *argv), timeout=600, grace=0)
    return image


def registry_answers(seconds: float = 4) -> bool:
    """Whether the image registry can be reached; settled within `seconds`."""
    answer: list[bool] = []

    def ask() -> None:
        try:
            urllib.request.urlopen(REGISTRY, timeout=seconds).close()
        except urllib.error.HTTPError as refused:
            answer.append(refused.code == 401)  # "log in first" is the registry's own word
        except OSError:
            answer.append(False)

    thread = threading.Thread(target=ask, daemon=True)  # name resolution knows no time limit
    thread.start()
    thread.join(seconds)
    return answer == [True]


def _bootstrap(lab: Lab) -> str:
    """A base image made from Debian's packages alone; returns its name."""
    packages = ",".join((RECIPE / "packages.txt").read_text().split())
    base = f"localhost/lab-llm-base:{hashlib.sha256(packages.encode()).hexdigest()[:16]}"
    if run(podman(lab, "image", "exists", base), timeout=30, check=False).returncode == 0:
        return base
    need("mmdebstrap")
    say(f"no image registry in reach: making Debian {RELEASE} from its packages (about 40 s)")
    tar = lab.cache / "work" / "base.tar"
    argv = ["env", f"TMPDIR={tar.parent}", "mmdebstrap", "--quiet", "--mode=root"]
    argv += ["--variant=minbase", f"--include={packages}", RELEASE, str(tar), *package_sources()]
    run(as_root(argv), timeout=600, grace=0)
    run(podman(lab, "import", "--quiet", str(tar), base), timeout=180)
    run(as_root(["rm", "-f", str(tar)]), timeout=30)
    return base


def package_sources() -> list[str]:
    """Where this machine gets the release's packages, as lines of a sources.list."""
    found: dict[str, str] = {}
    shape = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)"
    argv = ["apt-get", "indextargets", "--format", shape, "Created-By: Packages"]
    for line in run(argv, timeout=30, check=False).stdout.splitlines():
        origin, suite, uri = [*line.split("|"), "", ""][:3]
        if origin == "Debian" and suite.startswith(RELEASE):
            found.setdefault(suite, uri)
    if RELEASE not in found:
        found = {RELEASE: DEBIAN, f"{RELEASE}-updates": DEBIAN}
        found[f"{RELEASE}-security"] = f"{DEBIAN}-security"
    return [f"deb {uri} {suite} main" for suite, uri in sorted(found.items())]
