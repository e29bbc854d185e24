"""`python -m torch_interrogator_export`."""

import signal
import sys

from .cli import main

# As an exception, so that a half-written bundle is removed.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
sys.exit(main())
