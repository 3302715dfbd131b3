#!/usr/bin/env python3
"""watch: every event once, in order, across a node that goes away."""
import json
import signal
import subprocess
import unittest

import cli
from cli import CliTest


class Watch(CliTest):
    def watch(self, *arguments):
        process = subprocess.Popen([cli.CADRE, "watch", "--json"] + list(arguments),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=cli.environment(**self.env))
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def next(self, process):
        return json.loads(process.stdout.readline())

    def test_events_come_as_they_commit_and_an_interrupt_ends_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.watch("--from", str(self.seq() + 1))
            group = self.make_group("g%d" % number)
            event = self.next(process)
            self.assertEqual(event["event"]["groupCreated"]["id"], group)
            self.assertEqual(event["event"]["actor"]["principal"], "local")
            process.send_signal(number)
            out, err = process.communicate(timeout=cli.DEADLINE_S)
            self.assertEqual((process.returncode, out, err), (0, b"", b""))

    def test_it_goes_on_across_a_restart_without_gap_or_repetition(self):
        first = self.seq() + 1
        process = self.watch("--from", str(first))
        for number in range(3):
            self.quiet("history", "create", "--name", "before%d" % number)
        seen = [self.next(process)["seq"] for _ in range(2)]
        self.leader.stop()
        self.restart()
        for number in range(3):
            self.quiet("history", "create", "--name", "after%d" % number, "--timeout", "60")
        last = self.seq()
        while seen[-1] < last:
            seen.append(self.next(process)["seq"])
        self.assertEqual(seen, list(range(first, last + 1)))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=cli.DEADLINE_S), 0)

    def test_without_a_beginning_only_new_events_are_shown(self):
        self.make_group("old")
        limited = self.watch("--limit", "1")
        # It asks for its beginning first; what commits later is new to it.
        made = []
        while limited.poll() is None:
            made.append(self.make_group("new"))
        event = json.loads(limited.communicate(timeout=cli.DEADLINE_S)[0])
        self.assertIn(event["event"]["groupCreated"]["id"], made)

    def test_people_get_a_line_an_event(self):
        first = self.seq() + 1
        self.make_history("line")
        self.quiet("group", "patch", "line", "--insert", "c=%sc" % cli.MODEL, "--as", "ada")
        lines = self.text("watch", "--from", str(first), "--limit", "3").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn('local  groupCreated', lines[0])
        self.assertIn('historyCreated', lines[1])
        self.assertRegex(lines[2], r"ada  groupPatched .*\+1 -0, version 2 of .* \(latest\)")
        self.assertEqual(self.quiet("watch", "--from", str(first), "--limit", "2"),
                         [str(first), str(first + 1)])


if __name__ == "__main__":
    cli.main()
