"""Makes the exporter's Python environment, once, and prints its interpreter as the last line of stdout.

What is needed is installed on first use, with pip's progress on stderr. The environment lives in the package's cache folder
under the hash of requirements.lock and Python's version, so a new lock makes a new one. INTERROGATOR_PYTHON names an
interpreter to use instead; it must have the pinned packages already.
Standard library only: this runs before anything is installed.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
STAMP = ".complete"
NEEDED_BYTES = 7 * 2**30
# What the exporter itself imports.
REQUIRED = ("torch", "torchvision", "open_clip_torch", "transformers", "clip-interrogator")


class PreparationError(Exception):
    """Printed as one line; exit code 1."""


def main():
    """Returns the exit code."""
    try:
        python = interpreter()
    except PreparationError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; run again to go on from here", file=sys.stderr)
        return 1
    print(python)
    return 0


def interpreter():
    """The interpreter of the environment, which is made or finished first; or the one that INTERROGATOR_PYTHON names."""
    given = os.environ.get("INTERROGATOR_PYTHON")
    if given:
        return check_given(given, pins(LOCK, REQUIRED))
    return ensure(cache_folder() / f"exporter-{fingerprint(LOCK)[:12]}", LOCK, NEEDED_BYTES)


def cache_folder():
    """Where torch-interrogator keeps what it can make again."""
    named = os.environ.get("TORCH_INTERROGATOR_CACHE")
    if named:
        return Path(os.path.abspath(named))
    # macOS is untried.
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "torch-interrogator"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch-interrogator"


def fingerprint(lock):
    """Hex digest of what decides which files an environment has."""
    machine = f"{sys.version_info[0]}.{sys.version_info[1]} {sys.platform} {platform.machine()}"
    return hashlib.sha256(lock.read_bytes() + machine.encode()).hexdigest()


def complete_interpreter(folder, lock):
    """The interpreter of a finished environment, or None."""
    python, stamp = folder / "bin" / "python", folder / STAMP
    if python.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == fingerprint(lock):
        return python
    return None


def ensure(folder, lock, needed_bytes):
    """The interpreter of the environment in `folder`, made or finished first where it is not complete."""
    python = complete_interpreter(folder, lock)
    if python is not None:
        return python
    # The one file that an older Python may run too, to say so.
    if sys.version_info < (3, 11):  # noqa: UP036
        raise PreparationError(
            f"the exporter needs Python 3.11 or newer, this is {platform.python_version()} ({sys.executable}); "
            "name a newer one in PYTHON"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The system lets go of the lock when the process ends, however it ends.
    with folder.with_name(folder.name + ".lock").open("a+b") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another process that is making the exporter's environment")
            fcntl.flock(turn, fcntl.LOCK_EX)
        # Another process may have made it while this one waited.
        return complete_interpreter(folder, lock) or make(folder, lock, needed_bytes)


def make(folder, lock, needed_bytes):
    """Makes the environment, or goes on with what there is of it; returns its interpreter."""
    python = folder / "bin" / "python"
    begun = python.exists()
    free = shutil.disk_usage(folder.parent).free
    if not begun and free < needed_bytes:
        raise PreparationError(
            f"{folder.parent} has {free / 2**30:.1f} GB free and the exporter's environment needs "
            f"{needed_bytes / 2**30:.0f} GB; free some, or name another folder in TORCH_INTERROGATOR_CACHE"
        )
    say(f"{'going on with' if begun else 'making'} the exporter's environment in {folder}")
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True, clear=not begun).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PreparationError(
            f"Python could not make a virtual environment in {folder} ({error}); "
            "on Debian and Ubuntu: apt install python3-venv"
        ) from error
    install(python, lock)
    (folder / STAMP).write_text(fingerprint(lock) + "\n", encoding="utf-8")
    return python


def install(python, lock, *options):
    """What a lock file names. pip's own output goes to stderr: stdout is for the interpreter's path alone."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *options, "--requirement", str(lock)]
    code = subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode
    if code != 0:
        raise PreparationError(
            f"pip could not install the packages of {lock} (exit code {code}, its reasons are above); "
            "run again to go on, or name an interpreter that has the exporter's in INTERROGATOR_PYTHON"
        )


def pins(lock, names):
    """{name: version} of some packages of a lock file."""
    found = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    return {name: found[name] for name in names}


def check_given(python, required):
    """`python`, once it is known to have the pinned packages; torch itself is not imported, that takes seconds."""
    script = (
        "import sys\n"
        "from importlib import metadata\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(metadata.version(name))\n"
        "    except metadata.PackageNotFoundError: print('missing')\n"
    )
    try:
        answer = subprocess.run([python, "-c", script, *required], capture_output=True, text=True, check=True).stdout
        installed = dict(zip(required, answer.split(), strict=True))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise PreparationError(f"INTERROGATOR_PYTHON {python} does not run: {error}") from error
    wrong = [
        f"{name} {installed[name]} (needs {version})"
        for name, version in required.items()
        # A build's own suffix, as in 2.11.0+cu130, is the same release.
        if installed[name].split("+")[0] != version
    ]
    if wrong:
        raise PreparationError(f"INTERROGATOR_PYTHON {python} has {', '.join(wrong)}; install those, or unset it")
    return os.path.abspath(python) if os.path.dirname(python) else python


def say(message):
    """Progress, on stderr."""
    print(f"- {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
