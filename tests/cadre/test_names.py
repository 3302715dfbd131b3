#!/usr/bin/env python3
"""Names, prefixes, and what they mean."""
import unittest

import cli
from cli import CliTest


class Names(CliTest):
    def test_ids_names_and_prefixes_mean_the_same(self):
        history = self.make_history("scoring")
        group = self.quiet("group", "show", "scoring-1")[0]
        for text in (history, "scoring", "scoring-1", group):
            self.assertEqual(self.quiet("group", "show", text), [group])
        self.assertEqual(self.quiet("history", "show", "sco"), [history])
        self.assertEqual(self.quiet("history", "show", history[:-1]), [history])

    def test_what_a_prefix_and_a_history_meant_is_said(self):
        history = self.make_history("scoring")
        _, err = self.cadre("group", "show", "sco", code=1)
        self.assertIn("several", err)
        _, err = self.cadre("history", "show", "scor")
        self.assertIn('"scor" is the version history %s' % history, err)
        _, err = self.cadre("group", "show", "scoring")
        self.assertEqual(err.count("\n"), 1)
        self.assertIn('it means version 1 "scoring-1"', err)
        _, err = self.cadre("history", "show", "scor", "--json")
        self.assertEqual(err, "")

    def test_a_prefix_of_several_is_refused_with_their_names(self):
        self.make_history("alpha-1")
        self.make_history("alpha-2")
        error = self.fails(1, "history", "show", "alpha")
        self.assertIn("alpha-1", error)
        self.assertIn("alpha-2", error)

    def test_a_whole_name_wins_over_a_longer_one(self):
        short = self.make_history("line")
        self.make_history("line-long")
        self.assertEqual(self.quiet("history", "show", "line"), [short])

    def test_a_near_name_is_suggested(self):
        self.make_history("scoring")
        self.assertIn('did you mean "scoring"?', self.fails(3, "history", "show", "scorign"))

    def test_a_history_goes_before_a_group_of_its_name_unless_a_group_is_wanted(self):
        old = self.make_group("same", ("a",))
        self.make_group("first", ("b",))
        self.quiet("history", "create", "--name", "same", "--latest", "first")
        self.assertEqual(self.keys("same"), {"b": cli.MODEL + "b"})
        # Only a group can be a history's latest.
        self.quiet("history", "create", "--name", "other", "--latest", "same")
        self.assertEqual(self.json("history", "show", "other")["latestModelGroupId"], old)

    def test_of_groups_with_one_name_the_newest_is_meant(self):
        self.make_group("twin", ("a",))
        newer = self.make_group("twin", ("b",))
        self.assertEqual(self.quiet("group", "show", "twin"), [newer])

    def test_names_belong_to_a_compartment(self):
        self.make_history("here")
        self.fails(3, "history", "show", "here", "--compartment", "elsewhere")

    def test_the_deleted_have_no_name_any_more(self):
        group = self.make_group("gone")
        self.quiet("group", "delete", "gone")
        self.fails(3, "group", "show", "gone")
        self.assertEqual(self.json("group", "show", group)["lifecycleState"], "DELETED")

    def test_another_kind_is_told_from_nothing(self):
        history = self.make_history("line")
        error = self.fails(1, "model", "show", history)
        self.assertIn("is a version history, not a model", error)

    def test_an_empty_history_means_no_group(self):
        self.quiet("history", "create", "--name", "empty")
        self.assertIn("is empty", self.fails(3, "group", "show", "empty"))
        self.assertIn("is empty", self.fails(4, "group", "patch", "empty", "--insert", "a"))

    def test_names_of_models_work_among_members(self):
        model = self.quiet("model", "register", "--name", "base-7b")[0]
        self.quiet("group", "create", "--name", "g", "--type", "STACKED", "--base", "base-7b",
                   "--member", "base=base-7b", "--member", "x=elsewhere")
        self.assertEqual(self.keys("g"), {"base": model, "x": "elsewhere"})
        details = self.json("group", "show", "g")["modelGroupDetails"]
        self.assertEqual(details["baseModelId"], model)

    def test_keys_are_looked_up_now_and_in_the_past(self):
        self.make_history("line")
        before = self.seq()
        time = self.json("group", "show", "line")["timeCreated"]
        self.quiet("group", "patch", "line", "--remove", "a", "--insert", "a=%snew" % cli.MODEL)
        self.assertEqual(self.quiet("resolve", "line", "a"), [cli.MODEL + "new"])
        self.assertEqual(self.quiet("resolve", "line", "a", "--at", str(before)),
                         [cli.MODEL + "a"])
        self.fails(3, "resolve", "line", "zz")
        self.fails(3, "resolve", "line", "a", "--at", "1")
        self.fails(3, "resolve", "line", "a", "--at", "2001-01-01T00:00:00Z")
        self.assertIn("--at", self.fails(2, "resolve", "line", "a", "--at", "yesterday"))
        self.assertTrue(time.endswith("Z"))

    def test_rollback_goes_to_the_version_before_or_the_one_named(self):
        self.make_history("line")
        for key in "cde":
            self.quiet("group", "patch", "line", "--insert", "%s=%s%s" % (key, cli.MODEL, key))
        for arguments, version in ([], 3), (["--to", "1"], 1), (["--to", "4"], 4):
            self.quiet("history", "rollback", "line", *arguments)
            self.assertEqual(self.json("group", "show", "line")["versionId"], version)
        self.assertIn("no version 9", self.fails(3, "history", "rollback", "line", "--to", "9"))


if __name__ == "__main__":
    cli.main()
