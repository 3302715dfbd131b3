#!/usr/bin/env python3
"""The daemon around a scripted node: test_daemon.py PROGRAM_ON_STUB [unittest arguments]."""
import json
import os
import re
import shutil
import signal
import socket
import sys
import unittest

from daemon import DaemonTest, wait_for

# enum cadre_status
CONFLICT, CORRUPT, IO_ERROR = 8, 22, 24


class ScriptedTest(DaemonTest):
    def setUp(self):
        super().setUp()
        self.data = self.path("data")
        os.mkdir(self.data)
        open(os.path.join(self.data, "node.meta"), "w").close()

    def script(self, line):
        self.write("data/stub", line + "\n")

    def notify_socket(self):
        """A manager's socket; (its end, the variable's value)."""
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.bind(self.path("notify"))
        end.settimeout(30)
        self.addCleanup(end.close)
        return end, self.path("notify")


class Options(ScriptedTest):
    def test_without_a_role_it_says_how_to_give_one(self):
        _, err = self.run_program(code=2)
        self.assertIn('no role: say "cadred leader" or "cadred follower"', err)

    def test_a_follower_needs_a_leader(self):
        _, err = self.run_program("follower", code=2)
        self.assertIn("needs --join", err)

    def test_a_leader_without_data_is_told_how_to_make_some(self):
        _, err = self.run_program("leader", "--data-dir", self.path("none"), code=3)
        self.assertIn("cadre-admin init %s --cluster NAME" % self.path("none"), err)

    def test_unknown_flags_and_keys_get_a_suggestion(self):
        _, err = self.run_program("leader", "--data-dri=x", code=2)
        self.assertIn('no option --data-dri, did you mean "data-dir"?', err)
        path = self.write("conf", "# mine\nrole = leader\nlog-levle = info\n")
        _, err = self.run_program("--config", path, code=2)
        self.assertIn('%s:3: no option "log-levle", did you mean "log-level"?' % path, err)

    def test_bad_values_name_key_value_and_remedy(self):
        for arguments, message in [
                (["--segment-size", "64"], "--segment-size: \"64\" has no unit"),
                (["--segment-size", "65KiB"], "is no multiple of 4KiB"),
                (["--drain", "1d"], "write ms, s, min or h"),
                (["--log-level", "inof"], 'did you mean "info"?'),
                (["--listen", "ipc:///x"], "--listen: "),
                (["--label", "x"], "is not NAME=VALUE"),
                (["--snapshots-kept", "0"], "out of range: 1 to 1000"),
                (["--join", "tcp://a:1"], "is for a follower, this is a leader"),
                (["--http-listen", "tls+tcp://127.0.0.1:1"], "no TLS"),
                (["--config", self.path("absent")], "no such file")]:
            _, err = self.run_program("leader", *arguments, code=2)
            self.assertIn(message, err)
        _, err = self.run_program("leader", code=2, env={"CADRE_DRAIN": "soon"})
        self.assertIn('$CADRE_DRAIN: "soon" is not a number', err)
        _, err = self.run_program("follower", "--join", "tcp://127.0.0.1:1", "--worker",
                                  self.path("absent"), code=2)
        self.assertIn("is no program that can be run", err)

    def test_other_machines_are_let_in_only_when_that_is_said(self):
        for flag in ("--listen", "--replication-listen", "--http-listen"):
            _, err = self.run_program("leader", "--data-dir", self.data, flag,
                                      "0.0.0.0:0" if "http" in flag else "tcp://0.0.0.0:0",
                                      code=2)
            self.assertIn(flag[2:], err)
            self.assertIn("insecure", err)
        daemon = self.start(self.data, "--insecure", "--http-listen", "0.0.0.0:0")
        daemon.wait_log("warn daemon.security .*anyone who reaches")

    def test_an_address_that_nobody_can_use_is_not_advertised_in_silence(self):
        daemon = self.start(self.data, "--insecure", "--listen", "tcp://0.0.0.0:0")
        daemon.wait_log('warn daemon.not_advertised .*remedy="give --advertise"')
        self.assertEqual(daemon.stop()[0], 0)
        daemon = self.start(self.data, "--insecure", "--listen", "tcp://0.0.0.0:0",
                            "--advertise", "tcp://127.0.0.1:7420")
        self.assertEqual(daemon.stop()[0], 0)
        self.assertNotIn("not_advertised", daemon.text())

    def test_what_is_shown_gives_the_same_when_read_back(self):
        path = self.write("conf", "[cadred]\nname = n 1 # x\nlabel = zone=a\nlabel = gpu=b=c\n")
        first, _ = self.run_program("leader", "--config", path, "--show-config",
                                    "--drain=7s", env={"CADRE_SEGMENT_SIZE": "1MiB"})
        self.assertRegex(first, r"(?m)^drain = 7s +; --drain$")
        self.assertRegex(first, r"(?m)^segment-size = 1MiB +; \$CADRE_SEGMENT_SIZE$")
        self.assertRegex(first, r"(?m)^label = gpu=b=c +; .*conf:4$")
        self.assertRegex(first, r"(?m)^map-size = 256GiB +; default$")
        again = self.write("shown", first)
        second, _ = self.run_program("--config", again, "--show-config")
        values = [line.split(" ;")[0] for line in first.split("\n") if line[:1] != "#"]
        self.assertEqual(values, [line.split(" ;")[0] for line in second.split("\n")
                                  if line[:1] != "#"])

    def test_the_example_sets_nothing_and_can_be_filled_in(self):
        example, _ = self.run_program("--example-config")
        self.assertNotRegex(example, r"(?m)^[a-z]")
        path = self.write("conf", example.replace("#role = ROLE", "role = leader"))
        self.run_program("--config", path, "--show-config")
        filled = [line[1:] if line.startswith("#") and line[1:2].islower() and " = " in line
                  else line for line in example.split("\n")]
        names = {line.split(" = ")[0] for line in filled if line[:1].islower()}
        self.assertLess({"role", "data-dir", "join", "worker-args", "drain"}, names)

    def test_help_and_version_end_well(self):
        out, _ = self.run_program("--help")
        self.assertIn("--replication-listen=ADDRESS", out)
        out, _ = self.run_program("--version")
        self.assertRegex(out, r"^cadred \d")


class Worker(ScriptedTest):
    JOIN = ("--join", "tcp://127.0.0.1:1")

    def follower(self, *arguments):
        return self.start(self.data, *self.JOIN, "--predict-listen", "tcp://127.0.0.1:0",
                          *arguments, role="follower")

    def place(self, *parts):
        path = self.path(*parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy("/bin/true", path)
        return path

    def test_the_one_beside_the_daemon_is_taken_then_that_in_libexec(self):
        os.mkdir(self.path("sbin"))
        self.program = shutil.copy(self.program, self.path("sbin", "cadred"))
        self.assertIn("warn daemon.no_worker", self.follower().text())
        self.place("libexec", "cadre", "cadre-worker-llama")
        self.follower().wait_log(
            'daemon.worker program="%s/sbin/../libexec/cadre/cadre-worker-llama"' % self.work)
        beside = self.place("sbin", "cadre-worker-llama")
        self.follower().wait_log('daemon.worker program="%s"' % beside)

    def test_it_gets_its_words(self):
        daemon = self.follower("--worker", "/bin/true", "--worker-args", "--threads  2",
                               "--worker-args=-x")
        daemon.wait_log('stub.worker_word word="-x"')
        self.assertEqual(re.findall('worker_word word="(.*)"', daemon.text()),
                         ["--threads", "2", "-x"])

    def test_a_node_can_do_without(self):
        self.follower("--worker", "none").wait_log("warn daemon.no_worker")


class Health(ScriptedTest):
    def test_http_answers_before_the_recovery_is_through(self):
        self.script("starting 25 100")
        daemon = self.start(self.data, ready=False)
        self.assertEqual(daemon.get("/healthz")[0], 200)
        status, headers, body = wait_for("progress", lambda: [
            answer for answer in [daemon.get("/readyz")] if "percent" in answer[2]])[0]
        self.assertEqual(status, 503)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(json.loads(body)["phase"], "starting")
        self.assertEqual(json.loads(body)["percent"], 25)
        self.script("starting 50 100")
        wait_for("an estimate", lambda: "secondsLeft" in json.loads(daemon.get("/readyz")[2]))
        self.assertIn("cadre_daemon_ready 0", daemon.get("/metrics")[2])
        self.assertIn("cadre_daemon_progress_percent 50", daemon.get("/metrics")[2])
        self.assertFalse(os.path.exists(daemon.ready_path))
        self.script("serving")
        daemon.wait_ready_file()
        self.assertEqual(daemon.get("/readyz")[0], 200)

    def test_a_node_that_lags_says_why(self):
        self.script("lagging 12 s behind \"a\"")
        daemon = self.start(self.data)
        status, _, body = daemon.get("/readyz")
        self.assertEqual(status, 503)
        self.assertEqual(json.loads(body), {"ready": False, "phase": "serving",
                                            "reason": "12 s behind \"a\""})
        daemon.wait_log("daemon.not_ready reason=\"12 s behind")
        self.script("serving")
        wait_for("ready", lambda: daemon.get("/readyz")[0] == 200)
        daemon.wait_log("daemon.ready ")

    def test_metrics_are_those_of_daemon_and_node(self):
        daemon = self.start(self.data)
        status, headers, body = daemon.get("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("version=0.0.4", headers["Content-Type"])
        self.assertIn("# TYPE cadre_daemon_ready gauge", body)
        self.assertIn("cadre_daemon_ready 1", body)
        self.assertIn("\ncadre_stub 1\n", body)

    def test_other_paths_and_methods_are_refused(self):
        daemon = self.start(self.data)
        self.assertEqual(daemon.get("/")[0], 404)
        self.assertEqual(daemon.get("/healthz/x")[0], 404)
        status, headers, _ = daemon.get("/healthz", "POST")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(daemon.get("/healthz", "HEAD")[0], 200)

    def test_connections_that_say_nothing_do_not_keep_others_out_for_long(self):
        daemon = self.start(self.data)
        host, port = daemon.addresses["http"][len("http://"):].split(":")
        silent = [socket.create_connection((host, int(port))) for _ in range(64)]

        def answered():
            try:
                return daemon.get("/healthz")[0] == 200
            except OSError:
                return False
        wait_for("an answer", answered)
        for connection in silent:
            connection.close()

    def test_http_can_be_switched_off(self):
        daemon = self.start(self.data, "--http-listen", "none")
        self.assertNotIn("http", daemon.addresses)
        daemon.wait_log('http="none"')

    def test_a_port_in_use_ends_it(self):
        first = self.start(self.data)
        other = self.path("other")
        os.mkdir(other)
        open(os.path.join(other, "node.meta"), "w").close()
        second = self.start(other, "--http-listen", first.addresses["http"][7:], ready=False)
        self.assertEqual(second.wait(), 5)
        self.assertIn("Address already in use", second.text())
        self.assertIn("http-listen", second.text())


class Ends(ScriptedTest):
    def test_told_to_stop_it_ends_well(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start(self.data)
            daemon.signal(number)
            self.assertEqual(daemon.wait(), 0)
            self.assertIn("daemon.stopped", daemon.text())
            self.assertFalse(os.path.exists(daemon.ready_path))

    def test_a_start_can_be_stopped(self):
        self.script("starting 1 100")
        daemon = self.start(self.data, ready=False)
        daemon.http()
        self.assertEqual(daemon.stop()[0], 0)

    def test_while_it_drains_it_is_not_ready(self):
        daemon = self.start(self.data, "--drain", "1min")
        self.script("stuck")
        daemon.signal(signal.SIGTERM)
        wait_for("503", lambda: daemon.get("/readyz")[0] == 503)
        self.assertIn('"stopping"', daemon.get("/readyz")[2])
        self.assertEqual(daemon.get("/healthz")[0], 200)
        self.script("serving")
        self.assertEqual(daemon.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        daemon = self.start(self.data, "--drain", "1min")
        self.script("stuck")
        daemon.signal(signal.SIGTERM)
        daemon.wait_log("daemon.stopping cause=SIGTERM drain_ms=60000")
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), 5)
        self.assertIn("daemon.stop_cut_short", daemon.text())
        self.assertFalse(os.path.exists(daemon.ready_path))

    def test_a_stop_that_takes_longer_than_drain_is_cut_short(self):
        daemon = self.start(self.data, "--drain", "300ms")
        self.script("stuck")
        code, seconds = daemon.stop()
        self.assertEqual(code, 5)
        self.assertLess(seconds, 5)
        self.assertIn('cause="drain is over"', daemon.text())

    def test_a_failed_log_ends_it_with_75_and_the_last_decisions(self):
        daemon = self.start(self.data)
        self.script("failed")
        self.assertEqual(daemon.wait(), 75)
        self.assertIn("daemon.log_failed", daemon.text())
        (name,) = os.listdir(os.path.join(self.data, "lost+found"))
        with open(os.path.join(self.data, "lost+found", name)) as file:
            kept = file.read()
        self.assertIn("debug stub.started", kept)
        self.assertNotIn("debug stub.started", daemon.text())

    def test_a_failed_assertion_leaves_the_last_decisions(self):
        self.script("assert")
        daemon = self.start(self.data, ready=False)
        self.assertEqual(daemon.wait(), -signal.SIGABRT)
        (name,) = os.listdir(os.path.join(self.data, "lost+found"))
        with open(os.path.join(self.data, "lost+found", name)) as file:
            self.assertIn("daemon.start", file.read())
        self.assertIn(name, daemon.text())

    def test_decisions_can_be_asked_for(self):
        daemon = self.start(self.data)
        for times in (1, 2):
            daemon.signal(signal.SIGUSR1)
            path = daemon.wait_log('daemon.decisions_kept file="([^"]*)"', times).group(1)
            self.assertTrue(os.path.exists(path))
        self.assertEqual(daemon.stop()[0], 0)

    def test_what_keeps_it_from_starting_decides_the_exit_code(self):
        for status, code in ((CONFLICT, 5), (CORRUPT, 6), (IO_ERROR, 5)):
            self.script("error %d the reason" % status)
            daemon = self.start(self.data, ready=False)
            self.assertEqual(daemon.wait(), code)
            self.assertIn('reason="the reason"', daemon.text())
        self.script("error %d the reason" % CORRUPT)
        daemon = self.start(self.data, ready=False)
        daemon.wait()
        self.assertIn('remedy="cadre-admin verify %s"' % self.data, daemon.text())

    def test_a_ready_file_that_cannot_be_written_ends_it(self):
        daemon = self.start(self.data, "--ready-file", self.path("none", "x"), ready=False)
        self.assertEqual(daemon.wait(), 5)
        self.assertIn("daemon.ready_file", daemon.text())


class Reload(ScriptedTest):
    def setUp(self):
        super().setUp()
        self.conf = self.write("conf", "name = a\nlabel = zone=a\n")
        self.daemon = self.start(self.data, "--config", self.conf, "--drain=9s")

    def reload(self, text, times=1):
        self.write("conf", text)
        self.daemon.signal(signal.SIGHUP)
        return self.daemon.wait_log(r"daemon\.reload\w+ .*", times).group(0)

    def test_what_may_change_changes_and_the_rest_is_named(self):
        said = self.reload("name = b\nlabel = zone=b\nsnapshots-kept = 3\ndrain = 1s\n")
        self.assertIn("changed=2 need_restart=1", said)
        text = self.daemon.text()
        self.assertIn('daemon.option_changed name=label value="zone=b"', text)
        self.assertIn('daemon.option_needs_restart name=snapshots-kept value="3" still="2"',
                      text)
        self.assertNotIn("name=drain", text)
        self.daemon.wait_log('stub.reloaded labels=1 first="b"')
        self.assertIn("changed=2 need_restart=0",
                      self.reload("name = a\nlabel = zone=b\nlog-level = debug\n", 2))
        self.assertEqual(self.daemon.stop()[0], 0)

    def test_a_file_with_a_mistake_changes_nothing(self):
        said = self.reload("name = a\nlable = zone=b\n")
        self.assertIn("daemon.reload_refused", said)
        self.assertIn('conf:2: no option "lable", did you mean "label"?', said)
        self.assertIn("cadre_daemon_reloads_refused_total 1", self.daemon.get("/metrics")[2])
        self.assertNotIn("stub.reloaded", self.daemon.text())
        self.assertEqual(self.daemon.stop()[0], 0)


class Manager(ScriptedTest):
    def test_it_hears_of_start_ready_watchdog_and_stop(self):
        end, path = self.notify_socket()
        self.script("starting 1 2")
        daemon = self.start(self.data, ready=False,
                            env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"})
        self.assertEqual(end.recv(1000), b"STATUS=starting")
        seen = b""
        while b"WATCHDOG=1" not in seen or b"STATUS=not ready" not in seen:
            seen += end.recv(1000) + b"\n"
        self.assertNotIn(b"READY=1", seen)
        self.script("serving")
        while b"READY=1\n" not in seen:
            seen += end.recv(1000) + b"\n"
        daemon.signal(signal.SIGTERM)
        while b"STOPPING=1" not in seen:
            seen += end.recv(1000) + b"\n"
        self.assertEqual(daemon.wait(), 0)

    def test_an_abstract_socket_is_known_too(self):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        name = "cadre-test-%d" % os.getpid()
        end.bind("\0" + name)
        end.settimeout(30)
        self.start(self.data, env={"NOTIFY_SOCKET": "@" + name})
        self.assertEqual(end.recv(1000), b"STATUS=starting")

    def test_the_journal_gets_levels_and_no_second_time(self):
        info = os.stat(self.write("log0", ""))
        daemon = self.start(self.data,
                            env={"JOURNAL_STREAM": "%d:%d" % (info.st_dev, info.st_ino)})
        daemon.wait_log(r"(?m)^<6>info daemon\.start ")


if __name__ == "__main__":
    DaemonTest.program = os.path.abspath(sys.argv.pop(1))
    unittest.main()
