"""environment.py with a lock that asks for nothing, so that no test waits for a download."""

import os
import subprocess
import sys

import pytest

import environment


@pytest.fixture
def lock(tmp_path):
    file = tmp_path / "requirements.lock"
    file.write_text("# nothing\n")
    return file


def script(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, environment.__file__, *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_made_once_and_found_again(tmp_path, lock):
    folder = tmp_path / "cache" / "exporter"
    python = environment.ensure(folder, lock, 0)
    assert subprocess.run([python, "-c", "print(1)"], check=True, capture_output=True).stdout.strip() == b"1"
    stamp = folder / ".complete"
    made = stamp.stat().st_mtime_ns
    assert environment.ensure(folder, lock, 0) == python
    assert stamp.stat().st_mtime_ns == made
    # Half made: packages may be missing, so it is finished, and made again where even its Python is gone.
    stamp.unlink()
    assert environment.complete_interpreter(folder, lock) is None
    assert environment.ensure(folder, lock, 0) == python
    stamp.unlink()
    python.unlink()
    assert environment.ensure(folder, lock, 0) == python
    assert environment.complete_interpreter(folder, lock) == python
    # A new lock is another environment, even in the same folder.
    lock.write_text("# something else\n")
    assert environment.complete_interpreter(folder, lock) is None


def test_two_at_once_make_one(tmp_path, lock):
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import environment\n"
        "environment.ensure(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), 0)\n"
    )
    command = [sys.executable, "-c", code, os.path.dirname(environment.__file__), str(tmp_path / "e"), str(lock)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    messages = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("- making the exporter's environment" in message for message in messages) == 1


def test_packages_that_cannot_be_installed_leave_it_incomplete(tmp_path, lock):
    lock.write_text("./no-such-folder\n")
    with pytest.raises(environment.PreparationError, match="run again to go on"):
        environment.ensure(tmp_path / "e", lock, 0)
    assert environment.complete_interpreter(tmp_path / "e", lock) is None


def test_a_full_disk_is_named_before_anything_is_made(tmp_path, lock):
    with pytest.raises(environment.PreparationError, match="TORCH_INTERROGATOR_CACHE"):
        environment.ensure(tmp_path / "e", lock, 1 << 60)
    assert not (tmp_path / "e").exists()


def test_an_interpreter_with_the_pins_is_taken_as_it_is(tmp_path):
    answer = script(INTERROGATOR_PYTHON=sys.executable, TORCH_INTERROGATOR_CACHE=str(tmp_path))
    assert (answer.returncode, answer.stdout.splitlines()[-1]) == (0, sys.executable)
    assert list(tmp_path.iterdir()) == []


def test_an_interpreter_without_them_is_told_what_it_lacks(tmp_path, lock):
    with pytest.raises(environment.PreparationError, match=r"torch .*\(needs 0\.0\.1\).*nowhere missing \(needs 1\)"):
        environment.check_given(sys.executable, {"torch": "0.0.1", "nowhere": "1"})
    with pytest.raises(environment.PreparationError, match="does not run"):
        environment.check_given(str(tmp_path / "no-python"), {})


def test_the_pins_of_the_package_are_those_of_the_lock():
    pins = environment.pins(environment.LOCK, environment.REQUIRED)
    text = (environment.HERE / "pyproject.toml").read_text()
    assert [line for name, version in pins.items() if (line := f'"{name}=={version}"') not in text] == []
