"""The besieged: a leader, a follower with a worker, and honest clients who go on."""
import json
import os
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cadred"))
from daemon import DEADLINE_S, Daemon, get, wait_for  # noqa: E402

# What each honest call has; a multiple of what it takes, and less than a person waits.
CALL_S = 20
MODEL = "ocid1.datasciencemodel.oc1.."
MIB = 1 << 20


def place(url):
    """(host, port) of scheme://host:port."""
    host, port = re.match(r"\w+://(.*):(\d+)$", url).groups()
    return host, int(port)


def memory_bytes(pid):
    """Anonymous memory that is resident: mapped views do not count."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) * 1024


class Cluster:
    """Programs from the build folder, files in `work`."""

    def __init__(self, build, work, worker):
        self.work = work
        self.cli = os.path.join(build, "bin", "cadre")
        program = os.path.join(build, "bin", "cadred")
        data_dir = os.path.join(work, "leader")
        subprocess.run([os.path.join(build, "bin", "cadre-admin"), "init", data_dir,
                        "--cluster", "siege"], stdout=subprocess.DEVNULL, check=True)
        self.leader = Daemon(program, data_dir, os.path.join(work, "leader.log"))
        self.daemons = [self.leader]
        self.follower = Daemon(program, os.path.join(work, "follower"),
                               os.path.join(work, "follower.log"), "--join",
                               self.leader.addresses["replication"], "--predict-listen",
                               "tcp://127.0.0.1:0", "--worker", worker, role="follower")
        self.daemons.append(self.follower)
        self.patches = 0

    def close(self):
        for daemon in self.daemons:
            daemon.close()

    def call(self, node, *arguments, text=""):
        """(exit code, stdout, stderr) of the client command."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("CADRE_", "XDG_"))}
        env.update(XDG_CONFIG_HOME=os.path.join(self.work, "config"), NO_COLOR="1")
        if "--timeout" not in arguments:
            arguments += ("--timeout", str(CALL_S))
        done = subprocess.run([self.cli] + list(arguments) +
                              ["--address", node.addresses["rpc"]],
                              input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=env, timeout=2 * CALL_S,
                              check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def must(self, node, *arguments, **more):
        """Its output, within the deadline. A connection that was refused in a crowd is
        tried again, as people do; what takes effect has a token, so that it does so once."""
        end = time.monotonic() + CALL_S
        while True:
            code, out, err = self.call(node, *arguments, **more)
            if code == 0:
                return out
            if code != 5 or time.monotonic() > end:
                raise AssertionError("cadre %s: exit code %d: %s" % (
                    " ".join(arguments), code, err))

    def settle(self):
        """A history with a deployment that serves on the follower."""
        artifact = os.path.join(self.work, "model")
        with open(artifact, "w", encoding="ascii") as file:
            file.write("weights")
        self.must(self.leader, "model", "register", "--id", MODEL + "served", "--name",
                  "served", "--artifact", artifact)
        self.must(self.leader, "history", "create", "--name", "line")
        self.must(self.leader, "group", "create", "--name", "line-0", "--history", "line",
                  "--member", "served=%sserved" % MODEL)
        self.fill()
        self.must(self.leader, "deployment", "create", "--name", "live", "--group", "line")
        self.must(self.leader, "deployment", "wait", "live", "--timeout", "60")

    def fill(self, groups=45, size=1000):
        """A log of several answers, and a group of which few fit into one."""
        path = os.path.join(self.work, "large.json")
        for group in range(groups):
            members = [{"modelId": "%s%d.%d%s" % (MODEL, group, number, "x" * 60),
                        "inferenceKey": "key%d" % number} for number in range(size)]
            with open(path, "w", encoding="ascii") as file:
                json.dump({"displayName": "large", "memberModelEntries":
                           {"memberModelDetails": members}}, file)
            self.must(self.leader, "group", "create", "--from-json", path)

    # ---- what honest people do ----

    def patch(self):
        """A durable change, and that the follower gets it."""
        key = "k%d" % self.patches
        self.patches += 1
        self.must(self.leader, "group", "patch", "line", "--insert",
                  "%s=%s%s" % (key, MODEL, key), "--retry-token", "patch-" + key)
        self.must(self.leader, "resolve", "line", key)
        wait_for("%s on the follower" % key,
                 lambda: self.call(self.follower, "resolve", "line", key)[0] == 0,
                 CALL_S)

    def predict(self):
        out = self.must(self.follower, "predict", "live", "served", "--data", "-",
                        text="echo hello")
        if "hello" not in out:
            raise AssertionError("predicted %r" % out)

    def health(self):
        for daemon in self.daemons:
            code, _, body = get(daemon.http(), "/readyz")
            if code != 200:
                raise AssertionError("readyz: %d %s" % (code, body))

    def alive(self):
        for daemon in self.daemons:
            if daemon.ended():
                raise AssertionError("a daemon ended:\n" + daemon.text()[-4000:])


class Honest:
    """Calls one after the other, all the time, in a thread for each kind."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.over = False
        self.lock = threading.Lock()
        self.rounds = {}
        self.slowest = {}
        self.failures = []
        self.peaks = {}
        self.threads = [threading.Thread(target=self.run, args=(name,), daemon=True)
                        for name in ("patch", "predict", "health")]
        self.threads.append(threading.Thread(target=self.weigh, daemon=True))
        for thread in self.threads:
            thread.start()

    def run(self, name):
        call = getattr(self.cluster, name)
        while not self.over:
            began = time.monotonic()
            try:
                call()
            except Exception as failure:  # whatever it is, it is told
                with self.lock:
                    self.failures.append("%s: %.600s" % (name, failure))
            with self.lock:
                self.rounds[name] = self.rounds.get(name, 0) + 1
                self.slowest[name] = max(self.slowest.get(name, 0),
                                         time.monotonic() - began)

    def weigh(self):
        while not self.over:
            for name in ("leader", "follower"):
                try:
                    bytes_now = memory_bytes(getattr(self.cluster, name).process.pid)
                except (OSError, AttributeError):
                    continue
                with self.lock:
                    self.peaks[name] = max(self.peaks.get(name, 0), bytes_now)
            threading.Event().wait(0.02)

    def begin(self):
        with self.lock:
            self.slowest, self.peaks, self.failures = {}, {}, []
            return dict(self.rounds)

    def one_more_each(self, since):
        """Every kind of call has begun and ended since `since` was taken."""
        wait_for("honest calls", lambda: all(
            self.rounds.get(name, 0) >= since.get(name, 0) + 2
            for name in ("patch", "predict", "health")), 3 * CALL_S)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join(timeout=DEADLINE_S)
