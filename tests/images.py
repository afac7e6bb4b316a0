"""`python -m tests.images`: looks into built images and says what each holds; ends with 1 where one breaks a rule."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SERVICES = ("profiles", "matching", "scheduling", "feedback")
LARGEST_MEGABYTES = 300
"""Packed: what a registry stores and a node pulls."""

LARGEST_UNPACKED_MEGABYTES = {"matching": 650, "feedback": 325}
"""On a node's disk, where it may be more than the same 300: matching carries the compiler LLVM, SciPy and NumPy;
feedback what makes certificates (Pillow, fontTools)."""

BUILD_TOOLS = ("gcc", "cc", "make", "ld", "uv")
LABELS = ("title", "description", "version", "revision", "licenses", "base.name")

LOOK = f"""
import importlib.metadata, json, os, shutil, sys
installed = sorted(one.name for one in importlib.metadata.distributions())
names = [name for path in sys.path if os.path.isdir(path) for name in os.listdir(path)]
print(json.dumps({{
    "ours": [name for name in installed if name.startswith("tandem")],
    "modules": sorted(name for name in names if name.startswith("tandem_") and "." not in name),
    "tools": [tool for tool in {BUILD_TOOLS} if shutil.which(tool)],
    "installers": [name for name in installed if name in ("pip", "setuptools", "wheel", "hatchling")],
    "writable": [path for path in ("/opt/tandem", "/usr", "/etc") if os.access(path, os.W_OK)],
    "uid": os.getuid(), "gid": os.getgid(), "python": sys.version.split()[0],
}}))
"""


def docker(*arguments: str) -> str:
    """What the engine's client answers."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=300).stdout


def compressed_megabytes(image: str) -> float:
    """At most so large is what a registry stores and a node pulls: the layers as gzip packs them in its fastest way."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        docker("save", "--output", str(archive), image)
        packed = subprocess.run(
            f"gzip -1 --stdout {archive} | wc -c", shell=True, check=True, capture_output=True, text=True
        ).stdout
    return int(packed) / 1e6


def look_into(service: str, version: str, *, pack: bool) -> tuple[str, list[str]]:
    """A line about the image of a service, and everything in which it breaks the rules."""
    image = f"tandem/{service}:{version}"
    document: dict[str, Any] = json.loads(docker("image", "inspect", image))[0]
    configuration = document["Config"]
    look = ("run", "--rm", "--network", "none", "--read-only", "--entrypoint", "python", image)
    inside = json.loads(docker(*look, "-c", LOOK))
    unpacked, packed = document["Size"] / 1e6, compressed_megabytes(image) if pack else None
    room = LARGEST_UNPACKED_MEGABYTES.get(service, LARGEST_MEGABYTES)
    expected = sorted(["tandem-chassis", "tandem-events", f"tandem-{service}"])
    labels = configuration.get("Labels") or {}
    rules = {
        f"holds {inside['ours']}, not {expected}": inside["ours"] == expected,
        f"holds modules {inside['modules']}": inside["modules"] == [name.replace("-", "_") for name in expected],
        f"has build tools {inside['tools']}": not inside["tools"],
        f"has installers {inside['installers']} beside the service": not inside["installers"],
        f"runs as {inside['uid']}:{inside['gid']}": (inside["uid"], inside["gid"]) == (10001, 10001),
        f"may write to {inside['writable']}": not inside["writable"],
        f"its user is {configuration['User']!r}": configuration["User"] == "10001:10001",
        f"its command is {configuration['Cmd']}": configuration["Cmd"] == ["python", "-m", "tandem_chassis", "serve"],
        "has no health check": (configuration.get("Healthcheck") or {}).get("Test", [""])[0] == "CMD",
        f"lacks labels of {LABELS}": all(labels.get(f"org.opencontainers.image.{name}") for name in LABELS),
        f"takes {packed} MB packed, more than {LARGEST_MEGABYTES}": packed is None or packed < LARGEST_MEGABYTES,
        f"takes {unpacked} MB unpacked, more than {room}": unpacked < room,
    }
    size = f"{unpacked:>5.0f} MB unpacked" + (f", {packed:>5.0f} MB packed" if packed is not None else "")
    line = f"{image:<26} {size}, Python {inside['python']}, {', '.join(inside['ours'])}"
    return line, [f"{image} {fault}" for fault, holds in rules.items() if not holds]


def main() -> None:
    """Look into each image named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("services", nargs="*", default=SERVICES)
    options.add_argument("--version", required=True)
    options.add_argument("--unpacked-only", action="store_true", help="Do not pack images to learn how large that is.")
    given = options.parse_args()
    faults: list[str] = []
    for service in given.services:
        line, found = look_into(service, given.version, pack=not given.unpacked_only)
        sys.stdout.write(f"  {line}\n")
        sys.stdout.flush()
        faults += found
    for fault in faults:
        sys.stdout.write(f"  BROKEN: {fault}\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
