"""What gets installed is what was locked: exact versions, each file checked against its hash."""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.serving import ROOT, environment

NAMES = ["requirements-build", "requirements", "tests/requirements"]
PYTHONS = {"3.11": "3.11.0", "3.12": "3.12.0", "3.13": "3.13.0"}


@dataclass
class Locked:
    """One pin of a locked file; ``direct``: the .in file asks for it, it is not only drawn in."""

    requirement: Requirement
    hashes: list[str]
    direct: bool


def locked(name: str) -> Iterator[Locked]:
    text = (ROOT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "")
    for block in re.split(r"\n(?=\S)", text):
        line, *comments = block.splitlines()
        if not line.startswith("#"):
            requirement, *hashes = line.split("--hash=")
            direct = f"-r {name}.in" in "\n".join(comments)
            yield Locked(Requirement(requirement.strip()), [word.strip() for word in hashes], direct)


def asked(name: str) -> list[Requirement]:
    lines = (ROOT / f"{name}.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]


def versions(requirements: list[Requirement], **python: str) -> list[tuple[str, str]]:
    """Name and pin of those that are for this Python, or the given one."""
    meant = [each for each in requirements if each.marker is None or each.marker.evaluate(python)]
    return sorted((canonicalize_name(each.name), str(each.specifier)) for each in meant)


def of_python(version: str) -> dict[str, str]:
    return {"python_version": version, "python_full_version": PYTHONS[version]}


@pytest.mark.parametrize("name", NAMES)
class TestEachLockedFile:
    def test_has_exact_versions_with_hashes(self, name: str) -> None:
        for pin in locked(name):
            assert re.fullmatch(r"==[^*,]+", str(pin.requirement.specifier)), pin
            assert pin.requirement.url is None, pin
            assert pin.hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in pin.hashes), pin

    def test_says_nothing_of_where_it_was_made(self, name: str) -> None:
        text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
        assert not re.search(r"://|^\s*-|\s/\w", re.sub(r"--hash=\S+", "", text))

    @pytest.mark.parametrize("python", PYTHONS)
    def test_holds_what_is_asked_for(self, name: str, python: str) -> None:
        direct = [pin.requirement for pin in locked(name) if pin.direct]
        assert versions(direct, **of_python(python)) == versions(asked(name), **of_python(python))


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locked_files_agree(python: str) -> None:
    pins = {
        pin
        for name in NAMES
        for pin in versions([each.requirement for each in locked(name)], **of_python(python))
    }
    names = [name for name, _ in pins]
    assert sorted(names) == sorted(set(names))


def test_what_is_installed_is_what_is_locked() -> None:
    """What is missing comes with `./start_all.sh setup tests/requirements.txt`; what is too much goes with
    `.venv/bin/pip uninstall`."""
    installed = {(canonicalize_name(each.name), f"=={each.version}") for each in distributions()}
    pins = [pin.requirement for name in NAMES for pin in locked(name)]
    assert installed == set(versions(pins))


# ---- what the start script installs ----


def wheel(folder: Path, name: str, version: str = "1.0", *more: str) -> str:
    """Makes a package of nothing, with ``more`` lines of metadata; its hash."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more, ""])
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Project:
    """The start script in a folder of its own, where the only packages are those of the folder."""

    def __init__(self, folder: Path, pip: Path | None = None) -> None:
        """``pip``: a wheel of it; None: the one of this run."""
        self.folder = folder
        self.pip = pip
        shutil.copy(ROOT / "start_all.sh", folder)
        for name in ("requirements-build.txt", "requirements.txt"):
            (folder / name).write_text("")
        self.make_venv()

    def make_venv(self) -> None:
        """With the pip of this run: to unpack another one takes seconds."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder / ".venv"], check=True)
        [site_packages] = self.folder.glob(".venv/lib/python*/site-packages")
        if self.pip is not None:
            (site_packages / "pip.pth").write_text(f"{self.pip}\n")
            return
        pip = distribution("pip")
        for name in ("pip", f"pip-{pip.version}.dist-info"):
            (site_packages / name).symlink_to(str(pip.locate_file(name)))

    def set_up(self, *lines: str) -> "subprocess.CompletedProcess[str]":
        text = "\n".join(["--no-index", f"--find-links {self.folder.as_posix()}", *lines, ""])
        (self.folder / "more.txt").write_text(text)
        return subprocess.run(
            [self.folder / "start_all.sh", "setup", "more.txt"],
            env=environment(PYTHON=sys.executable),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def has(self, name: str, version: str = "1.0") -> bool:
        return any(self.folder.glob(f".venv/lib/python*/site-packages/{name}-{version}.dist-info"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.mark.servers
class TestInstalling:
    def test_what_has_its_hash_is_installed(self, project: Project) -> None:
        done = project.set_up(f"genuine==1.0 --hash=sha256:{wheel(project.folder, 'genuine')}")
        assert done.returncode == 0, done.stderr
        assert project.has("genuine")

    def test_another_file_of_that_name_is_not(self, project: Project) -> None:
        wheel(project.folder, "forged")
        done = project.set_up(f"forged==1.0 --hash=sha256:{'0' * 64}")
        assert done.returncode == 1 and not project.has("forged")
        assert "DO NOT MATCH THE HASHES" in done.stderr and "do not install it" in done.stderr

    def test_nor_what_has_no_hash(self, project: Project) -> None:
        wheel(project.folder, "unlocked")
        done = project.set_up("unlocked==1.0")
        assert done.returncode == 1 and not project.has("unlocked")
        assert "Hashes are required" in done.stderr

    def test_a_package_without_a_wheel_for_this_platform_is_explained(self, project: Project) -> None:
        (project.folder / "sourceonly-1.0.tar.gz").write_bytes(b"")
        done = project.set_up(f"sourceonly==1.0 --hash=sha256:{hashlib.sha256().hexdigest()}")
        assert done.returncode == 1 and "No matching distribution" in done.stderr
        assert re.search(r"no wheel for Python 3\.1\d on \w+-\w+", done.stderr)


# ---- F13: the pip that a machine has may be older than the lock ----

# Debian 12's, and 3.12.0's own for a Python that it cannot run on. Both resolve a name with an extra anew.
OLD_PIPS = {
    "23.0.1": "236bcb61156d76c4b8a05821b988c7b8c35bf0da28a4b614e8d6ab5212c25c6f",
    "23.2.1": "7ccf472345f20d35bdc9d1841ff5f313260c2c33fe417f48c30ac46cccabf5be",
}


@pytest.fixture(scope="session")
def old_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its wheel, which runs as it is."""
    version = "23.0.1" if sys.version_info < (3, 12) else "23.2.1"
    folder = tmp_path_factory.mktemp("pip")
    (folder / "pip.txt").write_text(f"pip=={version} --hash=sha256:{OLD_PIPS[version]}\n")
    fetch = [
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "-r",
        "pip.txt",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *fetch], cwd=folder, capture_output=True, text=True, timeout=120
    )
    if done.returncode != 0:
        pytest.skip(f"pip {version} cannot be had here: {done.stderr.strip()[-200:]}")
    return folder / f"pip-{version}-py3-none-any.whl"


@pytest.fixture(scope="module")
def old_project(tmp_path_factory: pytest.TempPathFactory, old_pip: Path) -> Project:
    return Project(tmp_path_factory.mktemp("old"), old_pip)


@pytest.fixture(scope="module")
def old_lock(old_project: Project) -> list[str]:
    """Its pins are one release old; one of them is drawn in with an extra."""
    extra = ("Provides-Extra: more", 'Requires-Dist: drawn>=1; extra == "more"')
    hashes = {
        "core": wheel(old_project.folder, "core", "1.0", *extra),
        "drawn": wheel(old_project.folder, "drawn"),
        "asks": wheel(old_project.folder, "asks", "1.0", "Requires-Dist: core[more]>=1"),
    }
    wheel(old_project.folder, "core", "1.1", *extra)  # released since
    return [f"{name}==1.0 --hash=sha256:{digest}" for name, digest in hashes.items()]


@pytest.mark.servers
class TestOldPip:
    def test_f13_the_start_script_installs_exactly_the_lock(
        self, old_project: Project, old_lock: list[str]
    ) -> None:
        done = old_project.set_up(*old_lock)
        assert done.returncode == 0, done.stderr
        assert old_project.has("core") and old_project.has("asks") and old_project.has("drawn")
        assert not old_project.has("core", "1.1")

    def test_f13_this_pip_would_not_without_being_told(
        self, old_project: Project, old_lock: list[str]
    ) -> None:
        """So the test above can fail."""
        old_project.set_up(*old_lock)
        python = old_project.folder / ".venv" / "bin" / "python"
        done = subprocess.run(
            [python, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--require-hashes"]
            + ["-r", "more.txt"],
            cwd=old_project.folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode != 0 and "core[more]" in done.stderr


def test_f13_the_lock_is_complete() -> None:
    """Nothing is resolved when it is installed: all that a package asks for, extras too, is in the lock."""
    here = [pin.requirement for name in NAMES for pin in locked(name)]
    pins = dict(versions(here))
    asked_for = here + [each for name in NAMES for each in asked(name)]
    asked_for = [each for each in asked_for if each.marker is None or each.marker.evaluate()]
    seen: set[tuple[str, str]] = set()
    while asked_for:
        wanted = asked_for.pop()
        name = canonicalize_name(wanted.name)
        assert name in pins, wanted
        assert wanted.specifier.contains(pins[name].removeprefix("=="), prereleases=True), wanted
        for extra in {"", *wanted.extras} - {extra for of, extra in seen if of == name}:
            seen.add((name, extra))
            needs = map(Requirement, distribution(name).requires or ())
            asked_for += [
                each for each in needs if each.marker is None or each.marker.evaluate({"extra": extra})
            ]
