#!/usr/bin/env python3
"""The daemon as people run it: test_node.py CADRED CADRE_ADMIN LOAD WORKER [unittest arguments]."""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

from daemon import DEADLINE_S, DaemonTest, wait_for


class NodeTest(DaemonTest):
    admin = None
    load = None
    worker = None

    def setUp(self):
        super().setUp()
        self.data = self.path("data")
        self.run_admin("init", self.data, "--cluster", "test")

    def run_admin(self, *arguments):
        done = subprocess.run([self.admin] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def start_load(self, daemon):
        load = subprocess.Popen([self.load, daemon.addresses["rpc"]],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(load.kill)
        self.assertEqual(load.stdout.readline(), b"under way\n")
        return load

    def outcome(self, load):
        """(acknowledged, unknown)"""
        out, _ = load.communicate(timeout=DEADLINE_S)
        return tuple(int(count) for count in out.split())

    def histories(self):
        listed = json.loads(self.run_admin("list", self.data, "histories", "--compartment",
                                           "c", "--json"))
        return len(next(iter(listed.values())))

    def clean(self):
        with open(os.path.join(self.data, "views", "STATE"), encoding="utf-8") as file:
            return re.search(r"(?m)^clean (\S+)$", file.read()).group(1)


class Leader(NodeTest):
    def test_it_serves_on_ports_of_the_systems_choice(self):
        daemon = self.start(self.data)
        for name in ("rpc", "replication"):
            self.assertRegex(daemon.addresses[name], r"^tcp://127\.0\.0\.1:[1-9]\d*$")
        self.assertEqual(daemon.addresses["pid"], daemon.process.pid)
        wait_for("ready", lambda: daemon.get("/readyz")[0] == 200)
        metrics = daemon.get("/metrics")[2]
        names = [line.split()[2] for line in metrics.split("\n")
                 if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)))
        self.assertIn("cadre_daemon_ready 1", metrics)
        self.assertGreater(len(names), 10)
        daemon.wait_log("daemon.security mode=open meaning=\"anyone on this machine")
        self.assertEqual(daemon.stop()[0], 0)

    def test_a_stop_under_load_leaves_no_command_in_doubt(self):
        daemon = self.start(self.data)
        load = self.start_load(daemon)
        code, seconds = daemon.stop()
        self.assertEqual(code, 0, daemon.text())
        self.assertLess(seconds, 5)
        self.assertNotEqual(self.clean(), "0")
        self.assertEqual((self.histories(), 0), self.outcome(load))
        self.run_admin("verify", self.data)

    def test_after_kill_9_it_starts_again_with_all_that_was_acknowledged(self):
        daemon = self.start(self.data)
        load = self.start_load(daemon)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        acknowledged, _ = self.outcome(load)
        self.assertTrue(os.path.exists(daemon.ready_path))
        again = self.start(self.data)
        wait_for("ready", lambda: again.get("/readyz")[0] == 200)
        self.assertEqual(again.stop()[0], 0)
        self.assertGreaterEqual(self.histories(), acknowledged)

    def test_a_second_daemon_is_refused_and_told_whose_it_is(self):
        first = self.start(self.data)
        second = self.start(self.data, ready=False)
        self.assertEqual(second.wait(), 5)
        self.assertEqual(first.wait_ready_file(), first.addresses)
        self.assertIn("in use by another process", second.text())
        self.assertIn("owner_pid=%d " % first.process.pid, second.text())
        self.assertEqual(first.get("/healthz")[0], 200)

    def test_a_port_in_use_ends_it(self):
        first = self.start(self.data)
        other = self.path("other")
        self.run_admin("init", other, "--cluster", "other")
        for flag, name in (("--listen", "rpc"), ("--replication-listen", "replication")):
            second = self.start(other, flag, first.addresses[name], ready=False)
            self.assertEqual(second.wait(), 5, second.text())
            self.assertIn("daemon.failed exit=5", second.text())
            self.assertIn(first.addresses[name].split(":")[-1], second.text())

    def test_damage_is_named_and_ends_it_with_6(self):
        self.assertEqual(self.start(self.data).stop()[0], 0)
        segment = os.path.join(self.data, "log", "0000000000000001.seg")
        if not os.path.exists(segment):
            (name,) = [n for n in os.listdir(os.path.join(self.data, "log"))
                       if re.match(r"0+1\.seg$", n)]
            segment = os.path.join(self.data, "log", name)
        with open(segment, "r+b") as file:
            file.seek(5000)
            file.write(b"\xff" * 8)
            file.seek(200)
            file.write(b"\xff" * 64)
        daemon = self.start(self.data, ready=False)
        self.assertEqual(daemon.wait(), 6, daemon.text())
        self.assertIn("cadre-admin verify", daemon.text())


class Follower(NodeTest):
    def test_it_makes_its_directory_and_catches_up(self):
        leader = self.start(self.data)
        follower = self.start(self.path("copy"), "--join", leader.addresses["replication"],
                              "--worker", "none", role="follower")
        wait_for("ready", lambda: follower.get("/readyz")[0] == 200)
        self.assertNotIn("replication", follower.addresses)
        self.assertEqual(follower.stop()[0], 0)
        self.assertEqual(leader.stop()[0], 0)

    def test_with_a_worker_it_answers_predictions(self):
        leader = self.start(self.data)
        follower = self.start(self.path("copy"), "--join", leader.addresses["replication"],
                              "--predict-listen", "tcp://127.0.0.1:0",
                              "--worker", self.worker, role="follower")
        self.assertRegex(follower.addresses["predict"], r"^tcp://127\.0\.0\.1:[1-9]\d*$")
        wait_for("ready", lambda: follower.get("/readyz")[0] == 200)
        self.assertEqual(follower.stop()[0], 0)

    def test_without_its_leader_it_is_not_ready_and_says_so(self):
        follower = self.start(self.path("copy"), "--join", "tcp://127.0.0.1:1", "--worker",
                              "none", role="follower")
        status, _, body = follower.get("/readyz")
        self.assertEqual(status, 503)
        self.assertTrue(json.loads(body)["reason"])
        code, seconds = follower.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 6)


if __name__ == "__main__":
    DaemonTest.program = os.path.abspath(sys.argv.pop(1))
    NodeTest.admin = os.path.abspath(sys.argv.pop(1))
    NodeTest.load = os.path.abspath(sys.argv.pop(1))
    NodeTest.worker = os.path.abspath(sys.argv.pop(1))
    unittest.main()
