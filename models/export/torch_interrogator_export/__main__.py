"""`python -m torch_interrogator_export`."""

import sys

from .cli import main

sys.exit(main())
