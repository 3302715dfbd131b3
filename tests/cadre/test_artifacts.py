#!/usr/bin/env python3
"""Files stored on the leader: models that followers load from there, groups' artifacts."""
import hashlib
import os
import subprocess
import unittest

import cli
from cli import CliTest

PREFIX = "cadre://sha256/"


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Artifacts(CliTest):
    def blob(self, hexdigest):
        return os.path.join(self.data, "blobs", "sha256", hexdigest)

    def file(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def test_an_uploaded_model_is_registered_by_its_content(self):
        data = os.urandom(3 << 20)
        self.quiet("model", "register", "--name", "m", "--upload", self.file("m", data))
        model = self.json("model", "show", "m")
        self.assertEqual(model["artifactUri"], PREFIX + digest(data))
        self.assertEqual(model["artifactSha256"], digest(data))
        self.assertEqual(model["artifactBytes"], len(data))
        with open(self.blob(digest(data)), "rb") as stored:
            self.assertEqual(stored.read(), data)

    def test_a_dry_run_uploads_nothing(self):
        data = b"only looked at"
        shown = self.text("model", "register", "--name", "m", "--upload",
                          self.file("m", data), "--dry-run", "--json")
        self.assertIn(PREFIX + digest(data), shown)
        self.assertFalse(os.path.exists(self.blob(digest(data))))

    def test_an_upload_leaves_no_room_for_another_place(self):
        name = self.file("m", b"x")
        error = self.fails(2, "model", "register", "--upload", name, "--uri", "file:///x")
        self.assertIn("--upload gives URI", error)
        self.fails(3, "model", "register", "--upload", self.path("none"))
        error = self.fails(1, "model", "register", "--upload", self.file("empty", b""))
        self.assertIn("empty", error)

    def test_what_was_not_uploaded_is_not_registered(self):
        error = self.fails(3, "model", "register", "--name", "m", "--uri",
                           PREFIX + "ab" * 32)
        self.assertIn("upload it first", error)

    def test_the_artifact_of_a_group_goes_up_and_comes_down(self):
        data = os.urandom((1 << 20) + 17)
        self.make_group("g")
        self.assertIn("has no artifact",
                      self.fails(3, "group", "artifact", "get", "g", self.path("none")))
        self.quiet("group", "artifact", "put", "g", self.file("score.zip", data))
        self.assertIn(digest(data), self.text("group", "show", "g"))
        told = self.json("group", "artifact", "get", "g", self.path("back"))
        self.assertEqual(told["sha256"], digest(data))
        self.assertEqual(self.read("back"), data)
        self.assertFalse(os.path.exists(self.path("back.part")))
        done = subprocess.run([cli.CADRE, "group", "artifact", "get", "g", "-"],
                              stdout=subprocess.PIPE, check=True,
                              env=cli.environment(**self.env))
        self.assertEqual(done.stdout, data)
        self.fails(2, "group", "artifact", "take", "g", "x")

    def test_a_damaged_copy_is_told_and_leaves_no_file(self):
        data = b"will be damaged"
        self.make_group("g")
        self.quiet("group", "artifact", "put", "g", self.file("a", data))
        with open(self.blob(digest(data)), "wb") as stored:
            stored.write(b"will be Damaged")
        error = self.fails(6, "group", "artifact", "get", "g", self.path("back"))
        self.assertIn("damaged", error)
        self.assertFalse(os.path.exists(self.path("back")))
        self.assertFalse(os.path.exists(self.path("back.part")))
        os.unlink(self.blob(digest(data)))

    def test_a_follower_loads_what_only_its_leader_has(self):
        worker = os.path.join(cli.BUILD, "tests", "unit", "agent", "stub_worker")
        data = os.path.join(self.home, self.compartment)
        follower = self.start("--join", self.leader.addresses["replication"],
                              "--predict-listen", "tcp://127.0.0.1:0", "--worker", worker,
                              data=data, role="follower")
        self.addCleanup(follower.stop)
        contents = {name: os.urandom(2 << 20) for name in ("m1", "m2")}
        for name, content in contents.items():
            file = self.file(name, content)
            self.quiet("model", "register", "--name", name, "--upload", file)
            os.unlink(file)
        self.quiet("group", "create", "--name", "v1", "--member", "a=m1", "--member", "b=m2")
        self.quiet("deployment", "create", "--name", "live", "--group", "v1")
        self.json("deployment", "wait", "live", "--timeout", "60")
        self.assertIn("hello", self.cadre("predict", "live", "a", text="echo hello")[0])
        for content in contents.values():
            with open(os.path.join(data, "artifacts", "sha256", digest(content)), "rb") as got:
                self.assertEqual(got.read(), content)


if __name__ == "__main__":
    cli.main()
