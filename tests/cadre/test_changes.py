#!/usr/bin/env python3
"""Changes: tokens, conditions, dry runs, exit codes, and a node that is away."""
import json
import re
import socket
import subprocess
import threading
import time
import unittest

import cli
from cli import CliTest


class Tokens(CliTest):
    def test_a_repeated_retry_token_takes_effect_once(self):
        self.make_history("line")
        patch = ["group", "patch", "line", "--remove", "a", "--insert", "c=%sc" % cli.MODEL,
                 "--retry-token", "once"]
        first = self.json(*patch)
        seq = self.seq()
        second = self.json(*patch)
        self.assertFalse(first["repeated"])
        self.assertTrue(second["repeated"])
        self.assertEqual({k: first[k] for k in ("id", "seq", "etag", "versionId")},
                         {k: second[k] for k in ("id", "seq", "etag", "versionId")})
        self.assertEqual(self.seq(), seq)
        self.assertEqual(self.json("outcome", "once")["id"], first["id"])

    def test_a_repeated_deletion_answers_although_the_name_is_gone(self):
        self.make_group("doomed")
        first = self.json("group", "delete", "doomed", "--retry-token", "end")
        second = self.json("group", "delete", "doomed", "--retry-token", "end")
        self.assertTrue(second["repeated"])
        self.assertEqual(first["id"], second["id"])
        self.fails(3, "group", "delete", "doomed")

    def test_a_token_with_another_command_is_a_conflict(self):
        self.make_group("one", ("a",), "--retry-token", "shared")
        error = self.fails(4, "group", "create", "--name", "two", "--member", "a", "--retry-token",
                           "shared")
        self.assertIn("INVALIDATED_RETRY_TOKEN", error)

    def test_an_unused_token_has_no_outcome(self):
        self.fails(3, "outcome", "never")

    def test_reads_behind_a_token_see_the_change(self):
        made = self.json("group", "create", "--name", "new", "--member", "a")
        self.assertRegex(made["token"], r"^[0-9a-f]{32}:\d+$")
        self.assertEqual(self.quiet("group", "show", "new", "--after", made["token"]),
                         [made["id"]])

    def test_a_read_behind_the_future_or_another_timeline_is_refused(self):
        made = self.json("group", "create", "--name", "new", "--member", "a")
        timeline = made["token"].split(":")[0]
        self.fails(5, "group", "show", "new", "--after", timeline + ":999999", "--timeout", "1")
        error = self.fails(4, "group", "show", "new", "--after", "0" * 32 + ":1")
        self.assertIn("TOKEN_LOST", error)


class Conditions(CliTest):
    def test_a_stale_etag_changes_nothing(self):
        made = self.json("group", "create", "--name", "g", "--member", "a")
        updated = self.json("group", "update", "g", "--label", "x", "--if-match", made["etag"])
        self.assertNotEqual(updated["etag"], made["etag"])
        seq = self.seq()
        error = self.fails(4, "group", "update", "g", "--label", "y", "--if-match", made["etag"])
        self.assertIn("ETAG_MISMATCH", error)
        self.assertEqual(self.seq(), seq)
        self.assertEqual(self.json("group", "show", "g")["versionLabel"], "x")

    def test_two_patches_of_one_version_do_not_mix(self):
        self.make_history("line")
        first = self.quiet("group", "show", "line")[0]
        self.quiet("group", "patch", first, "--insert", "c=%sc" % cli.MODEL)
        error = self.fails(4, "group", "patch", first, "--insert", "d=%sd" % cli.MODEL)
        self.assertIn("CONFLICT", error)

    def test_unchanged_values_are_no_change(self):
        self.make_group("g")
        first = self.json("group", "update", "g", "--label", "x")
        again = self.json("group", "update", "g", "--label", "x")
        self.assertTrue(first["changed"])
        self.assertFalse(again["changed"])
        self.assertEqual(first["etag"], again["etag"])

    def test_acknowledgement_levels(self):
        for level in ("local", "quorum"):
            self.quiet("history", "create", "--name", level, "--ack", level)
        self.assertIn("none of local, quorum",
                      self.fails(2, "history", "create", "--ack", "most"))

    def test_rules_exit_with_1_and_name_field_and_value(self):
        error = self.fails(1, "group", "create", "--name", "g", "--member", "k" * 33 + "=a")
        self.assertIn("createGroup.members[0].inferenceKey: 33 characters, at most 32", error)
        self.make_history("line")
        self.assertIn('has no key or model "zz"',
                      self.fails(1, "group", "patch", "line", "--remove", "zz"))

    def test_conflicts_exit_with_4(self):
        self.make_history("line")
        self.fails(4, "history", "create", "--name", "line")
        self.fails(4, "group", "patch", "line", "--insert", "a=%snew" % cli.MODEL)

    def test_a_change_on_behalf_of_another_is_written_down(self):
        self.make_history("line")
        self.quiet("group", "patch", "line", "--insert", "c=%sc" % cli.MODEL, "--as", "ada")
        changes = self.json("key-log", "line", "c")["changes"]
        self.assertEqual([change["principal"] for change in changes], ["ada"])


class DryRuns(CliTest):
    def test_a_dry_run_shows_the_difference_and_changes_nothing(self):
        self.make_history("line")
        seq = self.seq()
        out = self.text("group", "patch", "line", "--remove", "a", "--insert",
                        "z=%sb" % cli.MODEL, "--remove", "b", "--insert",
                        "c=%sc" % cli.MODEL, "--dry-run")
        self.assertRegex(out, r"(?m)^-  a +%sa$" % re.escape(cli.MODEL))
        self.assertRegex(out, r"(?m)^~  b -> z +%sb$" % re.escape(cli.MODEL))
        self.assertRegex(out, r"(?m)^\+  c +%sc$" % re.escape(cli.MODEL))
        self.assertIn("+1 -1 ~1", out)
        self.assertEqual(self.seq(), seq)

    def test_a_dry_run_refuses_what_the_leader_would(self):
        self.make_history("line")
        self.fails(4, "group", "patch", "line", "--insert", "a=%snew" % cli.MODEL, "--dry-run")
        self.fails(1, "group", "create", "--member", "k" * 33 + "=a", "--dry-run")

    def test_every_change_can_be_rehearsed(self):
        self.make_history("line")
        self.make_group("free")
        self.quiet("deployment", "create", "--name", "d", "--group", "line")
        self.quiet("model", "register", "--name", "m")
        seq = self.seq()
        for words in (["group", "create", "--member", "a"], ["group", "clone", "free"],
                      ["group", "update", "free", "--label", "x"], ["group", "delete", "free"],
                      ["group", "deactivate", "free"], ["group", "move", "free", "away"],
                      ["history", "create"], ["history", "delete", "line"],
                      ["history", "update", "line", "--description", "x"],
                      ["history", "rollback", "line", "--to", "1"],
                      ["history", "move", "line", "away"], ["model", "register"],
                      ["model", "retire", "m"], ["deployment", "create", "--group", "free"],
                      ["deployment", "update", "d", "--group", "free"],
                      ["deployment", "rollback", "d", "--to", "free"],
                      ["deployment", "deactivate", "d"], ["deployment", "delete", "d"]):
            sent = self.json(*words, "--dry-run")
            self.assertTrue(sent["dryRun"], words)
            self.assertEqual(len(sent["batch"]["commands"]), 1, words)
        self.assertEqual(self.seq(), seq)


class DeafProxy:
    """Forwards to a node; of its answers only the handshake's 8 bytes come back."""

    def __init__(self, address):
        host, port = address[len("tcp://"):].split(":")
        self.target = (host, int(port))
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = "tcp://127.0.0.1:%d" % self.server.getsockname()[1]
        self.ends = [self.server]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                client, _ = self.server.accept()
                node = socket.create_connection(self.target)
                self.ends += [client, node]
                threading.Thread(target=self.forward, args=(client, node), daemon=True).start()
                threading.Thread(target=lambda: client.sendall(node.recv(8)),
                                 daemon=True).start()
        except OSError:
            pass

    @staticmethod
    def forward(client, node):
        try:
            while data := client.recv(65536):
                node.sendall(data)
        except OSError:
            pass

    def close(self):
        for end in self.ends:
            end.close()


class Away(CliTest):
    def test_an_unknown_outcome_is_told_with_the_token_to_ask_again(self):
        proxy = DeafProxy(self.address)
        self.addCleanup(proxy.close)
        # An OCID: nothing is looked up before the change is sent.
        words = ["group", "create", "--name", "g", "--member", cli.MODEL + "a", "--timeout", "2"]
        error = json.loads(self.fails(5, *words, "--json", env={"CADRE_ADDRESS": proxy.address}))
        self.assertEqual(error["outcome"], "UNKNOWN")
        token = error["retryToken"]
        done = self.json("outcome", token)
        again = self.json(*words, "--retry-token", token)
        self.assertTrue(again["repeated"])
        self.assertEqual(again["id"], done["id"])
        error = self.fails(5, *words, env={"CADRE_ADDRESS": proxy.address})
        self.assertRegex(error, r"outcome unknown: send it again with --retry-token [0-9a-f]{32}")

    def test_without_a_node_it_ends_with_5_within_the_deadline(self):
        env = {"CADRE_ADDRESS": "tcp://127.0.0.1:1"}
        for words in (["group", "list"], ["group", "delete", "x"], ["status"],
                      ["history", "create", "--name", "x"]):
            began = time.monotonic()
            error = self.fails(5, *words, "--timeout", "1", env=env)
            self.assertLess(time.monotonic() - began, 10)
            self.assertIn("tcp://127.0.0.1:1", error)
            self.assertIn("is the node running?", error)
        self.assertIn("nothing was done", error)

    def test_the_next_address_is_asked_when_one_is_away(self):
        env = {"CADRE_ADDRESS": "tcp://127.0.0.1:1,%s" % self.address}
        self.assertEqual(self.json("status", env=env)["status"]["role"], "leader")

    def test_a_change_waits_for_a_node_that_comes_back(self):
        self.make_history("line")
        self.leader.stop()
        try:
            waiting = subprocess.Popen(
                [cli.CADRE, "group", "patch", "line", "--insert", "c=%sc" % cli.MODEL, "--timeout",
                 "60", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=cli.environment(**self.env))
        finally:
            self.restart()
        out, err = waiting.communicate(timeout=cli.DEADLINE_S)
        self.assertEqual(waiting.returncode, 0, err)
        self.assertEqual(json.loads(out)["versionId"], 2)


if __name__ == "__main__":
    cli.main()
