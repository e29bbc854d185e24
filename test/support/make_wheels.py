"""Writes stand-ins for the wheels that libtorch is fetched from: make_wheels.py FOLDER NAME==VERSION…"""

import sys
import zipfile

folder, *requirements = sys.argv[1:]
for requirement in requirements:
    name, version = requirement.split("==")
    with zipfile.ZipFile(
        f"{folder}/{name.replace('-', '_')}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED
    ) as wheel:
        if name == "torch":
            wheel.writestr("torch/version.py", f"__version__ = '{version}+cpu'\n")
            wheel.writestr("torch/__init__.py", "")
            for library in ("c10", "torch_cpu"):
                for pattern in ("lib{}.so", "lib{}.dylib", "{}.dll"):
                    wheel.writestr(f"torch/lib/{pattern.format(library)}", bytes(1_000_000))
        else:
            wheel.writestr(f"nvidia/cu13/lib/lib{name}.so", b"library")
