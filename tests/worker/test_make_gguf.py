#!/usr/bin/env python3
"""test_make_gguf.py MAKE_GGUF: equal arguments give equal bytes, on every machine."""
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest

# Changes only when the generator is meant to write something else.
KNOWN = {
    ("base", "--seed", "1"):
        "90ded87c7f57a989050340fed19e2295ae1daf1f452a32f300676a991bf97040",
    ("adapter", "--seed", "1"):
        "d548347a2e80db5b85f48b69035f88bbe15b8e7010b50a97ad940e33053eb656",
}


def made(arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        kind, *rest = arguments
        subprocess.run([sys.executable, TOOL, kind, path, *rest], check=True)
        with open(path, "rb") as file:
            return file.read()


class MakeGguf(unittest.TestCase):
    def test_the_bytes_of_a_seed_never_change(self):
        for arguments, digest in KNOWN.items():
            self.assertEqual(hashlib.sha256(made(arguments)).hexdigest(), digest, arguments)

    def test_another_seed_or_width_gives_another_file(self):
        files = {made(("adapter", *rest)) for rest in
                 ((), ("--seed", "2"), ("--width", "64"))}
        self.assertEqual(len(files), 3)


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main()
