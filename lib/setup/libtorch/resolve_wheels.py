"""Asks the user's own pip where wheels are: `python3 resolve_wheels.py NAME==VERSION…` prints JSON.

pip knows the index, mirrors, proxies, certificates and credentials that this user configured; nothing is downloaded here.
Output: {"wheels": [{"name", "version", "url", "sha256"}], "certificates": path or null}.
"""

import json
import logging
import sys

# pip's own package finder: it downloads nothing, but is no public interface.
try:
    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands import create_command
    from pip._vendor.packaging.requirements import Requirement
except ImportError as error:
    sys.exit(f"this Python has no pip that can be asked: {error}")


def resolve(requirements):
    command = create_command("install")
    # One Python tag for everyone: the libraries inside are the same, and so is then the hash. The platform stays.
    tag = ["--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=none", "--abi=abi3"]
    options, _ = command.parse_args(["--only-binary=:all:", *tag])
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


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")  # why an index did not answer
    try:
        print(json.dumps(resolve(sys.argv[1:])))
    except (AttributeError, TypeError) as error:
        sys.exit(f"this version of pip cannot be asked, another one may do: {error}")
