"""Asks the user's own pip where wheels are: `python3 resolve_wheels.py NAME==VERSION…` prints JSON.

pip knows the index, mirrors, proxies, certificates and credentials that this user configured; nothing is downloaded here.
Output: {"wheels": [{"name", "version", "url", "sha256"}], "certificates": path or null}.
"""

import json
import logging
import sys


def from_finder(requirements):
    """pip's own package finder: no download, but not a public interface."""
    from pip._internal.commands import create_command
    from pip._vendor.packaging.requirements import Requirement

    command = create_command("install")
    # One Python tag for everyone: the libraries inside are the same, and so is then the hash. The platform stays.
    options, _ = command.parse_args(
        [
            "--only-binary",
            ":all:",
            "--python-version",
            "3.11",
            "--implementation",
            "cp",
            "--abi",
            "cp311",
            "--abi",
            "none",
            "--abi",
            "abi3",
        ]
    )
    from pip._internal.cli.cmdoptions import make_target_python

    wheels = []
    with command.main_context(), command._build_session(options) as session:
        finder = command._build_package_finder(options, session, make_target_python(options))
        for requirement in map(Requirement, requirements):
            best = finder.find_best_candidate(requirement.name, requirement.specifier).best_candidate
            if best is None:
                wheels.append({"name": requirement.name, "version": str(requirement.specifier), "url": None, "sha256": None})
                continue
            link = best.link
            wheels.append(
                {
                    "name": requirement.name,
                    "version": str(best.version),
                    "url": link.url_without_fragment,
                    "sha256": link.hash if link.hash_name == "sha256" else None,
                }
            )
        verify = session.verify
    return {"wheels": wheels, "certificates": verify if isinstance(verify, str) else None}


def from_report(requirements):
    """The public interface; older pips download the wheels for it."""
    import subprocess

    arguments = [
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--quiet",
        "--only-binary",
        ":all:",
        "--report",
        "-",
    ]
    output = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, *requirements], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    wheels = []
    for item in json.loads(output)["install"]:
        info = item["download_info"]
        wheels.append(
            {
                "name": item["metadata"]["name"],
                "version": item["metadata"]["version"],
                "url": info["url"],
                "sha256": info.get("archive_info", {}).get("hashes", {}).get("sha256"),
            }
        )
    return {"wheels": wheels, "certificates": None}


def main():
    try:
        import pip  # noqa: F401
    except ImportError:
        sys.exit("this Python has no pip")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # why an index did not answer
    try:
        resolved = from_finder(sys.argv[1:])
    except (ImportError, AttributeError, TypeError):
        resolved = from_report(sys.argv[1:])
    print(json.dumps(resolved))


if __name__ == "__main__":
    main()
