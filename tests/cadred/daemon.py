"""A daemon under test: started on free ports, watched through its own outputs."""
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

DEADLINE_S = 60


def wait_for(what, condition, deadline_s=DEADLINE_S):
    """The first true value of condition(); fails with `what` after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %d s for: %s" % (deadline_s, what))
        time.sleep(0.01)


def environment(**more):
    """Ours without what would configure the daemon."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("CADRE_", "NOTIFY_", "WATCHDOG_", "JOURNAL_"))}
    clean.update(more)
    return clean


def get(address, path, method="GET"):
    """(status, headers, body) from http://host:port."""
    host = address[len("http://"):]
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


class Daemon:
    """One process; `close` ends it whatever its state."""

    def __init__(self, program, data_dir, log_path, *arguments, role="leader", env=None,
                 ready=True):
        self.ready_path = data_dir + ".ready"
        self.log_path = log_path
        self.log = open(log_path, "a", encoding="utf-8")
        own = ["--data-dir", data_dir, "--ready-file", self.ready_path,
               "--listen", "tcp://127.0.0.1:0", "--http-listen", "127.0.0.1:0"]
        if role == "leader":
            own += ["--replication-listen", "tcp://127.0.0.1:0"]
        self.process = subprocess.Popen(
            [program] + ([role] if role else []) + own + list(arguments),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
            env=environment(**(env or {})))
        if ready:
            self.wait_ready_file()

    def text(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def wait_ready_file(self):
        wait_for("the ready file; log:\n" + self.text(),
                 lambda: self.ended() or os.path.exists(self.ready_path))
        if self.ended():
            raise AssertionError("ended before it served:\n" + self.text())
        with open(self.ready_path, encoding="utf-8") as file:
            self.addresses = json.load(file)
        return self.addresses

    def ended(self):
        return self.process.poll() is not None

    def wait_log(self, pattern, times=1):
        """The last of so many matches in the log."""
        def found():
            matches = list(re.finditer(pattern, self.text()))
            return matches[times - 1] if len(matches) >= times else None
        return wait_for("%s in the log" % pattern, found)

    def http(self):
        """Its address, known before it serves."""
        return self.wait_log(r'daemon\.start .*http="(http://[^"]*)"').group(1)

    def get(self, path, method="GET"):
        return get(self.http(), path, method)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(timeout=DEADLINE_S)

    def stop(self):
        """SIGTERM; (exit code, seconds)."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        return self.wait(), time.monotonic() - began

    def close(self):
        if not self.ended():
            self.process.kill()
            self.process.wait()
        self.log.close()


class DaemonTest(unittest.TestCase):
    """A directory of its own, daemons that are gone at the end."""
    program = None

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="cadre-daemon-")
        self.daemons = []

    def tearDown(self):
        for daemon in self.daemons:
            daemon.close()
        shutil.rmtree(self.work)

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def write(self, name, text):
        """Whole or not at all: a reader never sees half of it."""
        with open(self.path(name + ".new"), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def start(self, data_dir, *arguments, **options):
        daemon = Daemon(self.program, data_dir, self.path("log%d" % len(self.daemons)),
                        *arguments, **options)
        self.daemons.append(daemon)
        return daemon

    def run_program(self, *arguments, code=0, env=None):
        """(stdout, stderr) of a call that ends by itself."""
        done = subprocess.run([self.program] + list(arguments), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment(**(env or {})), timeout=DEADLINE_S,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout.decode(), done.stderr.decode()
