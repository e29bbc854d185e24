"""The reference as a service for parity tests and benchmarks: clip-interrogator 0.6.0 itself, one JSON request a line.

Reads {"id", "call", ...arguments} from standard input and answers {"id", "result"} or {"id", "error"} on
standard output; everything the libraries print goes to standard error. Nothing here computes an answer by
other means than the reference's own functions.
"""

import json
import os
import sys
import traceback
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
warnings.filterwarnings("ignore")

import transformers  # noqa: E402
from calls import CALLS, Session  # noqa: E402

transformers.logging.set_verbosity_error()


def serve(calls: dict, session: Session) -> None:
    """Answers until standard input ends. calls: functions by name, each taking the session and the request's arguments."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout = sys.stderr
    for line in sys.stdin:
        request = json.loads(line)
        try:
            result = calls[request.pop("call")](session, **request.pop("arguments"))
            answer = {"id": request["id"], "result": result}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            answer = {"id": request["id"], "error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(CALLS, Session())
