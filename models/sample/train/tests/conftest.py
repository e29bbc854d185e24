"""The recipe and what it needs beside the exporter's environment come first on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sample_train.environment import install_requirements

sys.path.insert(0, str(install_requirements(sys.executable)))
