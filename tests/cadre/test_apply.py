#!/usr/bin/env python3
"""apply: wanted members; import: what OCI returned."""
import json
import os
import pty
import subprocess
import unittest

import cli
from cli import CliTest


def wanted(history, members, **more):
    details = [{"modelId": cli.MODEL + model, "inferenceKey": key}
               for key, model in members.items()]
    return dict(more, modelGroupVersionHistoryName=history,
                memberModelEntries={"memberModelDetails": details})


class Apply(CliTest):
    def apply(self, value, *arguments, code=0):
        return self.cadre("apply", self.write("wanted.json", value), *arguments, code=code)

    def plan(self, value, *arguments):
        return json.loads(self.apply(value, "--json", *arguments)[0])["plans"][0]

    def test_a_history_that_is_not_there_is_made_with_its_first_version(self):
        out, _ = self.apply(wanted("new", {"a": "a", "b": "b"}, displayName="first"))
        self.assertIn("a new history with its first version", out)
        self.assertEqual(self.json("group", "show", "new")["versionId"], 1)
        self.assertEqual(self.keys("new"), {"a": cli.MODEL + "a", "b": cli.MODEL + "b"})

    def test_only_the_difference_is_patched(self):
        self.make_history("line", ("a", "b", "c"))
        plan = self.plan(wanted("line", {"a": "a", "x": "b", "d": "d"}, displayName="next"))
        self.assertEqual((plan["added"], plan["removed"], plan["rekeyed"]), (1, 1, 1))
        self.assertEqual(plan["versionId"], 2)
        self.assertEqual(self.keys("line"), {"a": cli.MODEL + "a", "x": cli.MODEL + "b",
                                             "d": cli.MODEL + "d"})
        event = self.json("watch", "--from", str(plan["seq"]), "--limit", "1")["event"]
        self.assertEqual(len(event["groupPatched"]["inserted"]), 2)
        self.assertEqual(len(event["groupPatched"]["removed"]), 2)

    def test_what_is_as_wanted_is_left_alone(self):
        self.make_history("line")
        seq = self.seq()
        out, _ = self.apply(wanted("line", {"b": "b", "a": "a"}, displayName="other name"))
        self.assertIn("as wanted", out)
        self.assertEqual(self.seq(), seq)

    def test_what_show_prints_can_be_applied(self):
        self.make_history("line")
        group = self.json("group", "show", "line")
        self.assertFalse(self.plan(group)["changed"])
        group["memberModelEntries"]["memberModelDetails"].pop()
        self.assertEqual(self.plan(group)["removed"], 1)

    def test_other_details_are_a_version_too(self):
        self.make_history("line")
        details = {"type": "HETEROGENEOUS",
                   "customMetadataList": [{"key": "k", "value": "v"}]}
        plan = self.plan(wanted("line", {"a": "a", "b": "b"}, modelGroupDetails=details))
        self.assertTrue(plan["changed"])
        self.assertEqual(self.json("group", "show", "line")["modelGroupDetails"], details)
        self.assertFalse(self.plan(wanted("line", {"a": "a", "b": "b"},
                                          modelGroupDetails=details))["changed"])

    def test_a_dry_run_plans_and_changes_nothing(self):
        self.make_history("line")
        seq = self.seq()
        out, _ = self.apply(wanted("line", {"a": "a"}), "--dry-run")
        self.assertIn("+0 -1 ~0", out)
        self.assertEqual(self.seq(), seq)

    def test_several_files_are_planned_before_anything_is_sent(self):
        good = self.write("good.json", wanted("good", {"a": "a"}))
        bad = self.write("bad.json", {"memberModelEntries": {}})
        seq = self.seq()
        error = self.fails(1, "apply", good, bad)
        self.assertIn("bad.json:1: modelGroupVersionHistoryName: missing", error)
        self.assertEqual(self.seq(), seq)

    def test_a_person_is_asked_first(self):
        path = self.write("wanted.json", wanted("asked", {"a": "a"}))
        for answer, code in (b"n\n", 1), (b"y\n", 0):
            master, slave = pty.openpty()
            process = subprocess.Popen([cli.CADRE, "apply", path], stdin=slave,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=cli.environment(**self.env))
            os.write(master, answer)
            _, err = process.communicate(timeout=cli.DEADLINE_S)
            os.close(slave)
            os.close(master)
            self.assertIn(b"apply this? [y/N]", err)
            self.assertEqual(process.returncode, code, err)
        self.assertEqual(self.keys("asked"), {"a": cli.MODEL + "a"})


class Import(CliTest):
    HISTORY = "ocid1.dscmodelgroupversionhistory.oc1..old"

    def group(self, version, keys):
        return {"id": "ocid1.datasciencemodelgroup.oc1..old%d" % version,
                "compartmentId": "theirs", "projectId": "theirs", "displayName": "v%d" % version,
                "modelGroupDetails": {"type": "HOMOGENEOUS"}, "versionId": version,
                "modelGroupVersionHistoryId": self.HISTORY, "lifecycleState": "ACTIVE",
                "versionLabel": "label %d" % version,
                "memberModelEntries": {"memberModelDetails": [
                    {"modelId": cli.MODEL + key, "inferenceKey": key} for key in keys]}}

    def history(self, latest):
        return {"id": self.HISTORY, "displayName": "imported", "lifecycleState": "ACTIVE",
                "compartmentId": "theirs", "projectId": "theirs",
                "latestModelGroupId": "ocid1.datasciencemodelgroup.oc1..old%d" % latest}

    def test_groups_and_histories_are_made_in_order(self):
        groups = self.write("groups.json", [self.group(2, "abc"), self.group(1, "ab"),
                                            self.group(3, "abcd")])
        histories = self.write("histories.json", {"data": [self.history(2)]})
        made = self.json("import", groups, histories)["imported"]
        self.assertEqual(len(made), 4)
        log = self.json("history", "log", "imported")["versions"]
        self.assertEqual([(entry["versionId"], entry["displayName"]) for entry in log],
                         [(3, "v3"), (2, "v2"), (1, "v1")])
        self.assertEqual([entry["latest"] for entry in log], [False, True, False])
        self.assertEqual(sorted(self.keys("imported")), ["a", "b", "c"])

    def test_a_second_run_makes_nothing_twice(self):
        path = self.write("all.json", [self.group(1, "a"), self.history(1)])
        first = self.json("import", path)
        seq = self.seq()
        self.assertEqual(self.json("import", path), first)
        self.assertEqual(self.seq(), seq)

    def test_the_deleted_and_the_incomplete(self):
        gone = dict(self.group(1, "a"), lifecycleState="DELETED")
        self.assertEqual(self.json("import", self.write("gone.json", gone))["imported"], [])
        summary = self.group(2, "a")
        del summary["memberModelEntries"]
        self.assertIn("ask for each group with get",
                      self.fails(1, "import", self.write("summary.json", summary)))

    def test_a_dry_run_makes_nothing(self):
        seq = self.seq()
        self.json("import", self.write("all.json", [self.group(1, "a"), self.history(1)]),
                  "--dry-run")
        self.assertEqual(self.seq(), seq)


if __name__ == "__main__":
    cli.main()
