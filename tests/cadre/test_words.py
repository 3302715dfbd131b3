#!/usr/bin/env python3
"""Words, help, manual, completion, contexts: all that needs no node."""
import json
import os
import re
import subprocess
import unittest

import cli
from cli import PlainTest, run, verbs


class Help(PlainTest):
    def test_every_verb_has_help_with_options_and_an_example(self):
        listed = verbs()
        self.assertGreater(len(listed), 50)
        for verb in listed:
            out, _ = run(*verb.split(), "--help")
            self.assertIn("usage: cadre " + verb, out)
            self.assertIn("--help", out)
            example = out.split("Example:\n", 1)[1]
            self.assertIn("cadre " + verb, example)
            self.assertEqual(out, run("help", *verb.split())[0])

    def test_options_of_an_example_exist(self):
        for verb in verbs():
            out, _ = run(*verb.split(), "--help")
            options, example = out.split("Example:\n", 1)
            for option in re.findall(r"(?<= )--[a-z-]+", example):
                self.assertIn("  %s" % option, options, verb)

    def test_a_noun_alone_lists_its_verbs(self):
        out, _ = run("group", "--help")
        self.assertIn("group patch", out)
        self.assertNotIn("history log", out)
        self.assertEqual(out, run("help", "group")[0])
        _, err = run("group", code=2)
        self.assertIn("group patch", err)

    def test_the_manual_has_every_verb_and_option(self):
        manual = run("manual")[0].replace("\\-", "-")
        sections = re.findall(r"^\.SS (.*)$", manual, re.M)
        self.assertEqual(sections, verbs())
        for option in ("--retry-token", "--if-match", "--from-json"):
            self.assertIn(".B %s" % option, manual)
        for code in ("3 not found", "5 unavailable", "6 damaged"):
            self.assertIn(code, manual)

    def test_troff_takes_the_manual_without_a_complaint(self):
        if not any(os.access(os.path.join(folder, "groff"), os.X_OK)
                   for folder in os.environ["PATH"].split(os.pathsep)):
            self.skipTest("no groff here")
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=run("manual")[0].encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        self.assertEqual(done.stderr.decode(), "")

    def test_the_document_has_every_verb(self):
        with open(os.path.join(cli.SOURCE, "docs", "CLI.md"), encoding="utf-8") as file:
            text = " ".join(file.read().split())
        for verb in verbs():
            self.assertIn(verb, text)

    def test_version(self):
        self.assertRegex(run("--version")[0], r"^cadre \d+\.\d+")


class Mistakes(PlainTest):
    def test_unknown_verbs_get_a_suggestion(self):
        self.assertIn('did you mean "group"?', self.fails(2, "gruop", "list"))
        self.assertIn('did you mean "patch"?', self.fails(2, "group", "pacth", "x"))
        self.assertIn('did you mean "resolve"?', self.fails(2, "resolv"))

    def test_unknown_options_get_a_suggestion(self):
        self.assertIn('did you mean "insert"?',
                      self.fails(2, "group", "patch", "x", "--insrt", "y"))
        self.assertIn("cadre help group patch", self.fails(2, "group", "patch", "x", "-x"))

    def test_options_of_other_verbs_are_unknown(self):
        self.assertIn('no option "insert"', self.fails(2, "group", "show", "x", "--insert", "y"))

    def test_missing_and_surplus_words_name_the_usage(self):
        self.assertIn("usage: cadre resolve TARGET KEY", self.fails(2, "resolve", "x"))
        self.assertIn('one word too many: "z"', self.fails(2, "resolve", "x", "y", "z"))
        self.assertIn("a value is missing", self.fails(2, "group", "list", "--name"))
        self.assertIn("no value belongs", self.fails(2, "group", "list", "--json=1"))
        self.assertIn("given twice", self.fails(2, "group", "list", "--name", "a", "--name", "b"))

    def test_bad_values_name_their_option(self):
        for option, value in [("--timeout", "soon"), ("--timeout", "0"), ("--limit", "-1"),
                              ("--after", "xyz"), ("--state", "GONE")]:
            self.assertIn(option, self.fails(2, "group", "list", option, value,
                                             "--address", "tcp://127.0.0.1:1"))
        self.assertIn("--address", " " + self.fails(2, "group", "list", "--address", "ipc:///x")
                      .replace("address", "--address"))

    def test_options_may_stand_before_the_verb_and_words_behind_two_dashes(self):
        self.assertIn('no context "none"', self.fails(2, "--context", "none", "group", "list"))
        self.assertIn("one word too many", self.fails(2, "group", "list", "--", "--name"))


class Completion(PlainTest):
    def complete(self, *words):
        script = ('eval "$("$0" completion)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  '_cadre; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-u", "-c", script, cli.CADRE] + list(words),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True,
                              cwd=self.work)
        self.assertEqual(done.stderr.decode(), "")
        return done.stdout.decode().split()

    def test_first_words_verbs_and_options_are_offered(self):
        first = {verb.split()[0] for verb in verbs()}
        self.assertEqual(set(self.complete("cadre", "")), first)
        for noun in ("group", "history", "deployment", "config"):
            own = {verb.split()[1] for verb in verbs() if verb.startswith(noun + " ")}
            self.assertEqual(set(self.complete("cadre", noun, "")), own)
        self.assertEqual(self.complete("cadre", "group", "pat"), ["patch"])
        self.assertEqual(self.complete("cadre", "group", "patch", "x", "--ins"), ["--insert"])
        self.assertEqual(self.complete("cadre", "resolve", "x", "--at"), ["--at"])

    def test_files_are_offered_for_values(self):
        self.write("scoring.json", "{}")
        self.assertEqual(self.complete("cadre", "apply", "sco"), ["scoring.json"])


class Contexts(PlainTest):
    def test_without_a_file_the_defaults_hold(self):
        self.assertIn("tcp://127.0.0.1:7420", self.text("config", "show"))
        self.assertEqual(self.json("config", "show")["contexts"], [])

    def test_a_context_is_made_chosen_and_changed(self):
        self.text("config", "use", "one", "--address", "tcp://127.0.0.1:1", "--compartment", "c")
        self.text("config", "use", "two", "--address", "tcp://127.0.0.1:2")
        self.text("config", "use", "one", "--project", "p")
        shown = {context["name"]: context for context in self.json("config", "show")["contexts"]}
        self.assertEqual(shown["one"], {"name": "one", "current": True, "compartment": "c",
                                        "project": "p", "address": "tcp://127.0.0.1:1"})
        self.assertFalse(shown["two"]["current"])
        self.assertEqual(self.quiet("config", "show"), ["one", "two"])

    def test_an_unknown_context_is_not_made_by_accident(self):
        self.assertIn('no context "on"', self.fails(2, "config", "use", "on"))
        self.text("config", "use", "one", "--address", "tcp://127.0.0.1:1")
        self.assertIn('did you mean "one"?', self.fails(2, "group", "list", "--context", "onw"))
        self.fails(2, "config", "use", "a/b", "--address", "tcp://127.0.0.1:1")

    def test_a_flag_wins_over_the_environment_and_that_over_the_file(self):
        self.text("config", "use", "one", "--address", "tcp://127.0.0.1:1")
        error = self.fails(5, "status", "--timeout", "1")
        self.assertIn("127.0.0.1:1", error)
        env = {"CADRE_ADDRESS": "tcp://127.0.0.1:2"}
        self.assertIn("127.0.0.1:2", self.fails(5, "status", "--timeout", "1", env=env))
        self.assertIn("127.0.0.1:3", self.fails(5, "status", "--timeout", "1", "--address",
                                                "tcp://127.0.0.1:3", env=env))

    def test_a_malformed_file_is_named_with_what_is_wrong(self):
        os.makedirs(self.path("config", "cadre"))
        self.write("config/cadre/config", "current = x\n[x]\naddres = y\n")
        error = self.fails(1, "config", "show")
        self.assertIn("config/cadre/config", error)
        self.assertIn('"addres"', error)

    def test_errors_are_json_when_that_is_asked_for(self):
        error = json.loads(self.fails(5, "group", "delete", "x", "--json", "--timeout", "1",
                                      "--address", "tcp://127.0.0.1:1"))
        self.assertEqual(error["error"], "UNAVAILABLE")
        self.assertEqual(error["outcome"], "NOT_DONE")


if __name__ == "__main__":
    cli.main()
