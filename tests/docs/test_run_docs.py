#!/usr/bin/env python3
"""The runner of the documentation must notice what is wrong."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run_docs  # noqa: E402


class Runner(unittest.TestCase):
    def failures(self, text):
        with tempfile.TemporaryDirectory() as scratch:
            path = os.path.join(scratch, "doc.md")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return run_docs.run_console(path, scratch, "/usr/bin", scratch)

    def test_what_is_right_passes(self):
        self.assertEqual(self.failures("```console\n$ echo one; echo two\none\ntwo\n```\n"), [])

    def test_another_output_is_noticed(self):
        self.assertEqual(len(self.failures("```console\n$ echo one\ntwo\n```\n")), 1)

    def test_missing_output_is_noticed(self):
        self.assertEqual(len(self.failures("```console\n$ true\none\n```\n")), 1)

    def test_an_unexpected_exit_code_is_noticed(self):
        self.assertEqual(len(self.failures("```console\n$ false\n```\n")), 1)
        self.assertEqual(self.failures("```console\n$ exit 3   # exits 3\n```\n"), [])

    def test_dots_stand_for_lines(self):
        self.assertEqual(self.failures("```console\n$ seq 5\n1\n...\n5\n```\n"), [])
        self.assertEqual(len(self.failures("```console\n$ seq 5\n1\n...\n6\n```\n")), 1)

    def test_times_and_hashes_may_differ(self):
        self.assertEqual(self.failures(
            "```console\n$ echo at 2026-01-02T03:04:05.678Z\nat 2020-01-01T00:00:00Z\n```\n"), [])

    def test_what_runs_in_the_background_is_ended(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            os.mkfifo(fifo)
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            self.assertEqual(self.failures(
                "```console\n$ sleep 300 >%s 2>&1 &\n```\n" % fifo), [])
            os.set_blocking(reader, True)
            self.assertEqual(os.read(reader, 1), b"")
            os.close(reader)


if __name__ == "__main__":
    unittest.main()
