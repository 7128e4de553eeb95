"""The images, built by buildah and run by podman, with all of their storage under build/containers.

The stand-in for the images' base is a Debian of debootstrap with its Python: the registry that has the real one
is not to be had everywhere. What pip needs to know of this machine (index, certificates) is handed in at the
build, and stays in no image.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
STORE = ROOT / "build" / "containers"
BASE = "localhost/muster-base:bookworm"
CONTAINERS_CONF = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PIP_SETTINGS = {"index-url", "extra-index-url", "proxy", "trusted-host", "timeout"}


class Containers:
    """Builds the images of docker/Dockerfile, and runs them on the host's network as the compose file does."""

    def __init__(self) -> None:
        for program in ("podman", "buildah", "runc", "debootstrap"):
            if shutil.which(program) is None:
                pytest.fail(f"{program} is missing: run docker/images/install.sh")
        STORE.mkdir(parents=True, exist_ok=True)
        (STORE / "containers.conf").write_text(CONTAINERS_CONF, "utf-8")
        self._env = {**os.environ, "CONTAINERS_CONF": str(STORE / "containers.conf")}
        self._started: list[str] = []

    def build(self, target: str) -> str:
        """Build an image and give its name; what did not change since the last time is not built again."""
        self._need_base()
        name = f"localhost/muster-{target}:test"
        with TemporaryDirectory() as folder:
            settings = Path(folder) / "pip.conf"
            settings.write_text(_pip_settings(), "utf-8")
            mounts = {str(settings): "/etc/pip.conf"}
            if Path(CERTIFICATES).exists():
                mounts[CERTIFICATES] = CERTIFICATES
            volumes = [part for source, at in mounts.items() for part in ("--volume", f"{source}:{at}:ro")]
            how = ["--isolation", "chroot", "--network", "host", "--format", "docker", "--layers", "--pull-never"]
            what = [
                "--build-arg",
                f"BASE={BASE}",
                "--target",
                target,
                "--tag",
                name,
                "--file",
                "docker/Dockerfile",
                ".",
            ]
            self._run("buildah", "build", *how, *volumes, *what, seconds=300)
        return name

    def start(
        self, name: str, image: str, arguments: Sequence[str], env: Mapping[str, str], files: Mapping[Path, str]
    ) -> None:
        """Run a container as the compose file does: on a root that is read, without any capability."""
        self._started.append(name)
        options = ["--detach", "--name", name, "--network", "host", "--read-only", "--tmpfs", "/tmp"]  # noqa: S108 - the container's
        options += ["--cap-drop", "all", "--security-opt", "no-new-privileges", "--volume", f"{name}:/var/lib/muster"]
        options += [part for source, at in files.items() for part in ("--volume", f"{source}:{at}:ro")]
        options += [part for key, value in env.items() for part in ("--env", f"{key}={value}")]
        self._run("podman", "run", *options, image, *arguments)

    def run_in(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run something inside of a container."""
        return self._podman("exec", name, *command)

    def healthy(self, name: str) -> bool:
        """Ask for its health as Docker does, by the image's HEALTHCHECK: nothing here does so by itself."""
        return self._podman("healthcheck", "run", name).returncode == 0

    def inspect(self, name: str) -> Any:  # noqa: ANN401 - podman's JSON
        """Give what podman knows of a container."""
        return json.loads(self._run("podman", "container", "inspect", name))[0]

    def files_of(self, name: str) -> set[str]:
        """Give the path of every file and folder that a container has."""
        with TemporaryDirectory() as folder:
            archive = Path(folder) / "root.tar"
            self._run("podman", "export", "--output", str(archive), name, seconds=120)
            with tarfile.open(archive) as root:
                return {entry.strip("./") for entry in root.getnames()}

    def terminate(self, name: str) -> tuple[int, float]:
        """Send SIGTERM; give the exit code, and how many seconds it took to end."""
        begun = time.monotonic()
        self._run("podman", "kill", "--signal", "TERM", name)
        code = self._run("podman", "wait", name)
        return int(code), time.monotonic() - begun

    def log(self, name: str) -> str:
        """Give what a container has written."""
        done = self._podman("logs", name)
        return done.stdout + done.stderr

    def remove_all(self) -> None:
        """End and forget every container that was started here, and its volume."""
        for name in self._started:
            self._podman("rm", "--force", "--time", "0", name)
            self._podman("volume", "rm", "--force", name)

    def _need_base(self) -> None:
        if self._podman("image", "exists", BASE).returncode == 0:
            return
        with TemporaryDirectory() as folder:
            root, archive = Path(folder) / "root", Path(folder) / "root.tar"
            packages = "--include=python3,python3-venv,ca-certificates"
            _succeed(["debootstrap", "--variant=minbase", packages, "bookworm", str(root)], self._env, 600)
            _succeed(["tar", "-C", str(root), "-cf", str(archive), "."], self._env, 120)
            self._run("podman", "import", "--quiet", str(archive), BASE, seconds=120)

    def _podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["podman", *_where(), *arguments]
        return subprocess.run(command, env=self._env, capture_output=True, text=True, timeout=60, check=False)

    def _run(self, program: str, *arguments: str, seconds: float = 60) -> str:
        return _succeed([program, *_where(), *arguments], self._env, seconds)


def _where() -> list[str]:
    return ["--root", str(STORE / "store"), "--runroot", str(STORE / "run")]


def _succeed(command: list[str], env: Mapping[str, str], seconds: float) -> str:
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command[:2])} ... {command[-1]} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


def _pip_settings() -> str:
    """Give this machine's settings of pip as a file: how it reaches an index, and nothing else."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    lines = ["[global]", f"cert = {CERTIFICATES}"]
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        if key.rpartition(".")[2] in _PIP_SETTINGS:
            lines.append(f"{key.rpartition('.')[2]} = {value.strip().strip(chr(39))}")
    return "\n".join(lines) + "\n"
