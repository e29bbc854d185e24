"""clip-interrogator's side of label_matrix_test.cc: the same calls that its LabelTable makes.

usage: label_matrix_cases.py write FILE ROWS DIM   (embeds: row i is 1 at column i modulo DIM, 0 elsewhere)
       label_matrix_cases.py check FILE ROWS DIM HASH
"""

import hashlib
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

LABELS = ["a cat", "by Ünï", "x"]


def embeds(rows, dim):
    return np.eye(dim, dtype=np.float16)[np.arange(rows) % dim]


def main(action, path, rows, dim, digest=None):
    rows, dim = int(rows), int(dim)
    if action == "write":
        digest = hashlib.sha256(",".join(LABELS).encode()).hexdigest()
        save_file({"embeds": embeds(rows, dim), "hash": np.array([ord(c) for c in digest], dtype=np.int8)}, path)
        print(digest, end="")
        return
    tensors = load_file(path)
    assert sorted(tensors) == ["embeds", "hash"], sorted(tensors)
    assert tensors["embeds"].dtype == np.float16 and np.array_equal(tensors["embeds"], embeds(rows, dim))
    assert np.array_equal(tensors["hash"], np.array([ord(c) for c in digest], dtype=np.int8))


if __name__ == "__main__":
    main(*sys.argv[1:])
