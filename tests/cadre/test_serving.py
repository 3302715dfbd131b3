#!/usr/bin/env python3
"""With a follower that serves: wait, models, predict, cut-over, rollback."""
import os
import subprocess
import unittest

import cli
from cli import CliTest


class Serving(CliTest):
    def setUp(self):
        super().setUp()
        worker = os.path.join(cli.BUILD, "tests", "unit", "agent", "stub_worker")
        self.follower = self.start(
            "--join", self.leader.addresses["replication"], "--predict-listen",
            "tcp://127.0.0.1:0", "--worker", worker, "--name", "worker-1",
            data=os.path.join(self.home, self.compartment), role="follower")
        self.addCleanup(self.follower.stop)
        for name in ("m1", "m2", "m3"):
            self.quiet("model", "register", "--name", name, "--artifact",
                       self.write(name, name))
        self.quiet("group", "create", "--name", "v1", "--member", "a=m1", "--member", "b=m2")
        self.quiet("history", "create", "--name", "line", "--latest", "v1")
        self.quiet("deployment", "create", "--name", "live", "--group", "line")

    def wait(self):
        return self.json("deployment", "wait", "live", "--timeout", "60")

    def predict(self, key, body, code=0):
        return self.cadre("predict", "live", key, text=body, code=code)

    def answers_with(self, model):
        """The key b is answered by this model, also says the worker."""
        out, err = self.predict("b", "echo hello")
        self.assertRegex(out, r"^%s@[0-9a-f]+ hello\n?$" % model.split(".")[-1])
        self.assertIn(model, err)

    def test_a_deployment_is_waited_for_asked_cut_over_and_rolled_back(self):
        first = self.wait()
        self.assertEqual(first["servingGeneration"], 1)
        states = self.json("deployment", "models", "live")["models"]
        self.assertEqual({(state["inferenceKey"], state["state"]) for state in states},
                         {("a", "READY"), ("b", "READY")})
        self.assertEqual(sorted(self.quiet("deployment", "models", "live")),
                         sorted(self.keys("line").values()))
        self.assertIn("READY", self.text("deployment", "models", "live"))
        self.answers_with(self.keys("v1")["b"])

        self.quiet("group", "patch", "line", "--remove", "b", "--insert", "b=m3", "--name", "v2")
        self.quiet("deployment", "update", "live", "--group", "line")
        self.wait()
        self.answers_with(self.keys("v2")["b"])
        self.assertNotEqual(self.keys("v1")["b"], self.keys("v2")["b"])

        self.quiet("deployment", "rollback", "live")
        self.wait()
        self.assertEqual(self.quiet("resolve", "live", "b"), [self.keys("v1")["b"]])
        changes = self.json("key-log", "live", "b")["changes"]
        self.assertEqual([change["to"] for change in changes],
                         [self.keys("v1")["b"], self.keys("v2")["b"], self.keys("v1")["b"]])

        node = self.json("node", "show", "worker-1")
        self.assertTrue(node["node"]["connected"])
        self.assertEqual(len(node["report"]["members"]), 2)

    def test_chunks_come_out_as_they_are(self):
        self.wait()
        self.assertEqual(self.predict("a", "count 5")[0], "0;1;2;3;4;")
        body = self.write("body", "echo from a file")
        out, _ = self.cadre("predict", "live", "a", "--data", body)
        self.assertIn("from a file", out)
        done = subprocess.run([cli.CADRE, "predict", "live", "a"], input=b"flood 300",
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=cli.environment(**self.env), check=True)
        self.assertEqual(len(done.stdout), 300 * 1024)

    def test_what_cannot_be_asked_is_told(self):
        self.wait()
        self.assertIn('"zz"', self.predict("zz", "echo x", code=5)[1])
        self.fails(3, "predict", "none", "a", text="x")
        self.fails(3, "predict", "live", "a", "--data", "none")
        self.predict("a", "fail", code=1)

    def test_a_wait_ends_at_its_deadline_with_the_cause(self):
        self.wait()
        bad = self.write("bad-model", "bad: no such weights")
        self.quiet("model", "register", "--name", "m4", "--artifact", bad)
        self.quiet("group", "create", "--name", "broken", "--member", "a=m4")
        self.quiet("deployment", "update", "live", "--group", "broken")
        error = self.fails(5, "deployment", "wait", "live", "--timeout", "3")
        self.assertIn("wants generation 2, serves 1", error)
        self.assertIn('"a" on worker-1', error)
        # Half-way: back to what it serves.
        self.quiet("deployment", "rollback", "live")
        self.wait()
        self.assertEqual(sorted(self.keys("live")), ["a", "b"])


if __name__ == "__main__":
    cli.main()
