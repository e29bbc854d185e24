"""Makes the exporter's Python environment, once, and prints its interpreter as the last line of stdout.

    python3 environment.py                what is needed is installed on first use, with pip's progress on stderr
    python3 environment.py --print-only   exits 1 where it is not there yet

The environment lives in the package's cache folder under the hash of requirements.lock and Python's version, so a new lock
makes a new one. INTERROGATOR_PYTHON names an interpreter to use instead; it must have the pinned packages already.
Standard library only: this runs before anything is installed.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
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


def main(arguments=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print-only", action="store_true", help="print the interpreter if it is there, else exit 1")
    options = parser.parse_args(arguments)
    try:
        given = os.environ.get("INTERROGATOR_PYTHON")
        if given:
            python = check_given(given, pins(LOCK, REQUIRED))
        elif options.print_only:
            python = complete_interpreter(environment_folder(LOCK), LOCK)
            if python is None:
                return 1
        else:
            python = ensure(environment_folder(LOCK), LOCK, NEEDED_BYTES)
    except PreparationError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted; run again to go on from here", file=sys.stderr)
        return 1
    print(python)
    return 0


def cache_folder():
    """Where torch-interrogator keeps what it can make again."""
    named = os.environ.get("TORCH_INTERROGATOR_CACHE")
    if named:
        return Path(os.path.abspath(named))
    # macOS is untried.
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "torch-interrogator"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "torch-interrogator"


def environment_folder(lock):
    """The environment of this lock and this Python."""
    return cache_folder() / f"exporter-{fingerprint(lock)[:12]}"


def fingerprint(lock):
    """Hex digest of what decides which files an environment has."""
    machine = f"{sys.version_info[0]}.{sys.version_info[1]} {sys.platform} {platform.machine()}"
    return hashlib.sha256(lock.read_bytes() + machine.encode()).hexdigest()


def interpreter(folder):
    """The Python of a virtual environment."""
    return folder / "bin" / "python"


def complete_interpreter(folder, lock):
    """The interpreter of a finished environment, or None."""
    python, stamp = interpreter(folder), folder / STAMP
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
    with only_one(folder.with_name(folder.name + ".lock")):
        # Another process may have made it while this one waited.
        python = complete_interpreter(folder, lock)
        if python is not None:
            return python
        python = interpreter(folder)
        if works(python):
            say(f"going on with the exporter's environment in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
            free = shutil.disk_usage(folder.parent).free
            if free < needed_bytes:
                raise PreparationError(
                    f"{folder.parent} has {free / 2**30:.1f} GB free and the exporter's environment needs "
                    f"{needed_bytes / 2**30:.0f} GB; free some, or name another folder in TORCH_INTERROGATOR_CACHE"
                )
            say(f"making the exporter's environment in {folder}")
            create_venv(folder)
        install(python, lock)
        temporary = folder / (STAMP + ".partial")
        temporary.write_text(fingerprint(lock) + "\n", encoding="utf-8")
        os.replace(temporary, folder / STAMP)
        return python


def create_venv(folder):
    """An empty virtual environment with pip."""
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise PreparationError(
            f"Python could not make a virtual environment in {folder} ({error}); "
            "on Debian and Ubuntu: apt install python3-venv"
        ) from error


def install(python, lock):
    """pip's own output goes to stderr: stdout is for the interpreter's path alone."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--requirement", str(lock)]
    code = subprocess.run(command, stdout=sys.stderr.fileno(), check=False).returncode
    if code != 0:
        raise PreparationError(
            f"pip could not install the exporter's packages (exit code {code}, its reasons are above); "
            "run again to go on, or name an interpreter that has them in INTERROGATOR_PYTHON"
        )


def works(python):
    """Whether an interpreter runs and has pip: a half-made environment may have neither."""
    if not python.exists():
        return False
    command = [str(python), "-m", "pip", "--version"]
    with contextlib.suppress(OSError):
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return False


@contextlib.contextmanager
def only_one(path):
    """Holds a lock file; the system lets go of it when the process ends, however it ends."""
    with path.open("a+b") as file:
        waiting = False
        while not try_lock(file):
            if not waiting:
                say("waiting for another process that is making the exporter's environment")
                waiting = True
            time.sleep(0.5)
        yield


def try_lock(file):
    """Whether the lock is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def pins(lock, names):
    """{name: version} of some packages of a lock file."""
    found = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
    return {name: found[name] for name in names}


def check_given(python, required):
    """`python`, once it is known to have the pinned packages; torch itself is not imported, that takes seconds."""
    script = (
        "import json, sys\n"
        "from importlib import metadata\n"
        "def version(name):\n"
        "    try: return metadata.version(name)\n"
        "    except metadata.PackageNotFoundError: return None\n"
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))\n"
    )
    try:
        answer = subprocess.run([python, "-c", script, *required], capture_output=True, text=True, check=True).stdout
        installed = json.loads(answer)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise PreparationError(f"INTERROGATOR_PYTHON {python} does not run: {error}") from error
    wrong = [
        f"{name} {installed[name] or 'missing'} (needs {version})"
        for name, version in required.items()
        # A build's own suffix, as in 2.11.0+cu130, is the same release.
        if (installed[name] or "").split("+")[0] != version
    ]
    if wrong:
        raise PreparationError(f"INTERROGATOR_PYTHON {python} has {', '.join(wrong)}; install those, or unset it")
    return os.path.abspath(python) if os.path.dirname(python) else python


def say(message):
    """Progress, on stderr."""
    print(f"- {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
