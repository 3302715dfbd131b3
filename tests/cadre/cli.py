"""The client command under test, with a leader to talk to.

Each test file is called with the build folder and the source tree. The leader is the
class's; every test has a compartment of its own, so that none sees another's names.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cadred"))
from daemon import DEADLINE_S, Daemon, wait_for  # noqa: E402

BUILD = SOURCE = CADRE = None
OCID = re.compile(r"ocid1\.\w+\.oc1\.cadre\.[0-9a-v]+")
MODEL = "ocid1.datasciencemodel.oc1.."


def main():
    """unittest.main() after taking the two folders."""
    global BUILD, SOURCE, CADRE
    BUILD, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    del sys.argv[1:3]
    CADRE = program("cadre")
    # The test file has its own copy of these names, made before they had values.
    module = sys.modules["__main__"]
    for name in ("BUILD", "SOURCE", "CADRE"):
        if hasattr(module, name):
            setattr(module, name, globals()[name])
    unittest.main(module=module, verbosity=2)


def program(name):
    return os.path.join(BUILD, "bin", name)


def example(name):
    return os.path.join(SOURCE, "docs", "examples", name)


def environment(**more):
    """Ours without what would configure the client."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("CADRE_", "XDG_"))}
    clean.update(NO_COLOR="1", LC_ALL="C.UTF-8")
    clean.update(more)
    return clean


def run(*arguments, code=0, env=None, text=None, cwd=None):
    """(stdout, stderr) of one call, whose exit code is checked."""
    done = subprocess.run([CADRE] + list(arguments), input=(text or "").encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
                          env=environment(**(env or {})), timeout=DEADLINE_S, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode != code:
        raise AssertionError("exit code %d instead of %d: cadre %s\n%s%s" % (
            done.returncode, code, " ".join(arguments), out, err))
    return out, err


def verbs():
    """Every verb, as the general help lists them: ["group create", …, "resolve"]."""
    text = run("--help")[0]
    return re.findall(r"^  ((?:[a-z]+ )?[a-z-]+)  +\S", text, re.M)


class PlainTest(unittest.TestCase):
    """A directory of its own and no node."""

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="cadre-cli-")
        self.addCleanup(shutil.rmtree, self.work)
        self.env = {"XDG_CONFIG_HOME": self.path("config")}

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def write(self, name, value):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(value if isinstance(value, str) else json.dumps(value))
        return self.path(name)

    def cadre(self, *arguments, code=0, **more):
        env = dict(self.env, **more.pop("env", {}))
        return run(*arguments, code=code, env=env, cwd=self.work, **more)

    def text(self, *arguments, **more):
        return self.cadre(*arguments, **more)[0]

    def json(self, *arguments, **more):
        return json.loads(self.cadre(*arguments, "--json", **more)[0])

    def quiet(self, *arguments, **more):
        return self.cadre(*arguments, "--quiet", **more)[0].split()

    def fails(self, code, *arguments, **more):
        """What is said on standard error."""
        return self.cadre(*arguments, code=code, **more)[1]


class CliTest(PlainTest):
    """With a leader, and a compartment for this test alone."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="cadre-cli-")
        cls.data = os.path.join(cls.home, "data")
        cls.daemons = []
        subprocess.run([program("cadre-admin"), "init", cls.data, "--cluster", "test"],
                       stdout=subprocess.DEVNULL, check=True)
        try:
            cls.prepare()
            cls.leader = cls.start()
        except BaseException:
            cls.tearDownClass()
            raise
        cls.address = cls.leader.addresses["rpc"]

    @classmethod
    def prepare(cls):
        """What the data directory shall hold before the leader starts."""

    @classmethod
    def start(cls, *arguments, data=None, **options):
        daemon = Daemon(program("cadred"), data or cls.data,
                        os.path.join(cls.home, "log%d" % len(cls.daemons)), *arguments,
                        **options)
        cls.daemons.append(daemon)
        return daemon

    @classmethod
    def restart(cls):
        """Another process on the same data and port."""
        cls.leader = cls.start("--listen", cls.address)

    @classmethod
    def tearDownClass(cls):
        for daemon in cls.daemons:
            daemon.close()
        shutil.rmtree(cls.home)

    def setUp(self):
        super().setUp()
        self.compartment = self.id().split(".")[-1]
        self.env.update(CADRE_ADDRESS=self.address, CADRE_COMPARTMENT=self.compartment)

    def make_group(self, name="g1", keys=("a", "b"), *more):
        """The id of a group whose key x means model x."""
        members = []
        for key in keys:
            members += ["--member", "%s=%s%s" % (key, MODEL, key)]
        return self.quiet("group", "create", "--name", name, *members, *more)[0]

    def make_history(self, name="line", keys=("a", "b")):
        """A history whose first version is the group `<name>-1`."""
        self.make_group(name + "-1", keys)
        return self.quiet("history", "create", "--name", name, "--latest", name + "-1")[0]

    def keys(self, target):
        return {member["inferenceKey"]: member["modelId"]
                for member in self.json("group", "members", target)["members"]}

    def seq(self):
        return self.json("status")["status"]["appliedSeq"]


def stop_with(process, number=signal.SIGINT):
    """(exit code, stdout) of a process that ends on a signal."""
    process.send_signal(number)
    out, _ = process.communicate(timeout=DEADLINE_S)
    return process.returncode, out
