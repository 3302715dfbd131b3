#!/usr/bin/env python3
"""Every verb, in each of its output modes."""
import json
import subprocess
import unittest

import cli
from cli import CliTest, program, verbs

NODE = "00112233445566778899aabbccddeeff"
MANY = 520  # more than a page
# Elsewhere: what needs workers, a stream, a key, or no node.
ELSEWHERE = {"predict": "test_serving", "deployment wait": "test_serving",
             "principal put": "gateway/test_auth", "principal list": "gateway/test_auth",
             "principal remove": "gateway/test_auth", "policy check": "gateway/test_auth",
             "help": "test_words", "manual": "test_words", "completion": "test_words"}


class EveryVerb(CliTest):
    @classmethod
    def prepare(cls):
        for number in range(3):
            command = {"registerNode": {"nodeId": NODE[:-1] + str(number),
                                        "name": "worker-%d" % number,
                                        "labels": [{"name": "shape", "value": "VM.X"}]}}
            subprocess.run([program("cadre-admin"), "apply", cls.data, "-"],
                           input=json.dumps(command).encode(), stdout=subprocess.DEVNULL,
                           check=True)

    def setUp(self):
        super().setUp()
        self.covered = set()

    def in_modes(self, words, calls):
        """One call a mode: changes take effect, so each has words of its own."""
        self.covered.add(words)
        text, as_json, quiet = calls
        out = self.text(*words.split(), *text)
        self.assertTrue(out.strip(), words)
        value = self.json(*words.split(), *as_json)
        self.assertIsInstance(value, dict, words)
        self.assertTrue(self.quiet(*words.split(), *quiet), words)
        return value

    def same(self, words, *arguments):
        return self.in_modes(words, [arguments] * 3)

    def test_every_verb_speaks_in_every_mode(self):
        self.groups()
        self.histories()
        self.changes_of_groups()
        self.models()
        self.deployments()
        self.nodes()
        self.others()
        self.assertEqual(self.covered | set(ELSEWHERE), set(verbs()))

    def groups(self):
        member = ["--member", "a=%sa" % cli.MODEL, "--member", "b=%sb" % cli.MODEL]
        self.in_modes("group create", [["--name", "g%d" % n] + member for n in range(3)])
        first = self.quiet("group", "show", "g0")[0]  # later ones inherit the name
        self.in_modes("history create", [["--name", "h%d" % n, "--latest", "g%d" % n]
                                         for n in range(3)])
        self.in_modes("group clone", [["h0", "--insert", "c%d=%sc%d" % (n, cli.MODEL, n)]
                                      for n in range(3)])
        self.in_modes("group patch", [["h0", "--insert", "d%d=%sd%d" % (n, cli.MODEL, n)]
                                      for n in range(3)])
        self.in_modes("group update", [["h1", "--label", "l%d" % n] for n in range(3)])
        group = self.same("group show", "h0")
        self.assertEqual(group["versionId"], 7)
        self.assertEqual(len(self.same("group list")["groups"]), 9)
        self.assertEqual(len(self.same("group members", "h0")["members"]), 8)
        self.assertEqual(self.same("group diff", first, "h0")["added"], 6)
        self.assertEqual(self.same("diff", "h0", first)["removed"], 6)

    def histories(self):
        self.same("history show", "h0")
        self.assertEqual(len(self.same("history list")["histories"]), 3)
        self.assertEqual(len(self.same("history log", "h0")["versions"]), 7)
        self.in_modes("history rollback", [["h0", "--to", str(n)] for n in (3, 2, 1)])
        self.in_modes("history update", [["h0", "--description", "d%d" % n] for n in range(3)])
        resolved = self.same("resolve", "h0", "a")
        self.assertEqual(resolved["modelId"], cli.MODEL + "a")
        self.assertEqual(self.same("key-log", "h0", "c0")["changes"][-1]["to"], None)

    def changes_of_groups(self):
        for name in ("x0", "x1", "x2"):
            self.make_group(name)
        each = [["x0"], ["x1"], ["x2"]]
        self.in_modes("group deactivate", each)
        self.in_modes("group activate", each)
        self.in_modes("group move", [[name[0], "away"] for name in each])
        for name in ("y0", "y1", "y2"):
            self.make_group(name)
        self.in_modes("group delete", [["y0"], ["y1"], ["y2"]])
        for name in ("e0", "e1", "e2", "m0", "m1", "m2"):
            self.quiet("history", "create", "--name", name)
        self.in_modes("history delete", [["e0"], ["e1"], ["e2"]])
        self.in_modes("history move", [["m0", "away"], ["m1", "away"], ["m2", "away"]])

    def models(self):
        path = self.write("artifact", "weights")
        self.in_modes("model register", [["--name", "m%d" % n, "--artifact", path, "--kind",
                                          "base"] for n in range(3)])
        model = self.same("model show", "m0")
        self.assertEqual(model["artifactUri"], "file://" + path)
        self.assertEqual(model["artifactBytes"], 7)
        self.assertEqual(len(self.same("model list")["models"]), 3)
        self.in_modes("group artifact", [["put", "g0", self.write("zip%d" % n, "z%d" % n)]
                                         for n in range(3)])
        self.in_modes("model retire", [["m0"], ["m1"], ["m2"]])

    def deployments(self):
        self.in_modes("deployment create", [["--name", "d%d" % n, "--group", "h1"]
                                            for n in range(3)])
        self.in_modes("deployment update", [["d0", "--description", "n%d" % n]
                                            for n in range(3)])
        self.same("deployment show", "d0")
        self.assertEqual(len(self.same("deployment list")["deployments"]), 3)
        self.covered.add("deployment models")
        self.assertEqual(self.json("deployment", "models", "d0")["models"], [])
        self.covered.add("deployment rollback")
        self.in_modes("deployment rollback", [["d%d" % n, "--to", "h2"] for n in range(3)])
        each = [["d0"], ["d1"], ["d2"]]
        self.in_modes("deployment deactivate", each)
        self.in_modes("deployment activate", each)
        self.in_modes("deployment delete", each)

    def nodes(self):
        self.assertEqual(len(self.same("node list")["nodes"]), 3)
        shown = self.same("node show", "worker-0")
        self.assertEqual(shown["node"]["labels"], {"shape": "VM.X"})
        self.in_modes("node retire", [["worker-%d" % n] for n in range(3)])

        every = ["--statement", "allow any-user to read all-resources in tenancy"]
        self.in_modes("policy put", [["p%d" % n] + every for n in range(3)])
        self.assertEqual(len(self.same("policy list")["policies"]), 3)
        self.in_modes("policy remove", [["p%d" % n] for n in range(3)])

    def others(self):
        self.in_modes("apply", [[self.write("w%d.json" % n, {
            "modelGroupVersionHistoryName": "applied%d" % n,
            "memberModelEntries": {"memberModelDetails": [{"modelId": cli.MODEL + "a"}]}})]
                                for n in range(3)])
        self.in_modes("import", [[self.write("i%d.json" % n, {
            "id": "ocid1.datasciencemodelgroup.oc1..old%d" % n, "displayName": "old",
            "modelGroupDetails": {"type": "HOMOGENEOUS"},
            "memberModelEntries": {"memberModelDetails": [{"modelId": cli.MODEL + "a"}]}})]
                                 for n in range(3)])
        self.same("watch", "--from", "1", "--limit", "1")
        status = self.same("status", "--explain")
        self.assertEqual(status["status"]["role"], "leader")
        self.assertIn("OUT_OF_SPACE", [row["alarm"] for row in status["explanations"]])
        self.make_group("told", ("a",), "--retry-token", "told")
        self.assertEqual(self.same("outcome", "told")["retryToken"], "told")
        self.in_modes("config use", [["local", "--address", self.address]] * 3)
        self.same("config show")


class ForPeople(CliTest):
    @classmethod
    def prepare(cls):
        commands = [{"createHistory": {"compartmentId": "many", "projectId": "p",
                                       "displayName": "h%04d" % n}} for n in range(MANY)]
        subprocess.run([program("cadre-admin"), "apply", cls.data, "-"],
                       input="\n".join(map(json.dumps, commands)).encode(),
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def test_the_line_of_versions_is_drawn_with_its_branches(self):
        self.make_history("line")
        second = self.quiet("group", "patch", "line", "--insert", "c=%sc" % cli.MODEL, "--label",
                            "second")[0]
        self.quiet("group", "patch", "line", "--insert", "d=%sd" % cli.MODEL)
        self.quiet("group", "patch", second, "--branch", "--remove", "a", "--name", "side")
        drawn = self.text("history", "log", "line").splitlines()
        marks = [line.split("  ")[0].strip() for line in drawn[1:]]
        self.assertEqual(marks, ["*", "| *", "|/", "*", "*"])
        self.assertIn("second", drawn[4])
        self.assertIn("latest", drawn[2])
        self.assertNotIn("latest", drawn[1])

    def test_colour_is_for_terminals_only(self):
        self.env.update(NO_COLOR="", TERM="xterm")
        _, err = self.cadre("group", "show", "none", code=3)
        self.assertNotIn("\033", err)

    def test_a_listing_goes_over_many_pages(self):
        self.env["CADRE_COMPARTMENT"] = "many"
        self.assertEqual(len(self.quiet("history", "list")), MANY)
        self.assertEqual(len(self.json("history", "list", "--limit", "510")["histories"]), 510)
        self.assertEqual(self.quiet("history", "list", "--name", "h0001"),
                         self.quiet("history", "show", "h0001"))
        self.assertEqual(self.quiet("history", "list", "--state", "DELETED"), [])
        self.assertIn("several", self.fails(1, "history", "show", "h000"))


if __name__ == "__main__":
    cli.main()
