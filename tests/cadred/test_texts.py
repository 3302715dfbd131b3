#!/usr/bin/env python3
"""What is installed with the daemon: test_texts.py CADRED BUILD_DIR CMAKE."""
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = BUILD = CMAKE = None


def run(*command, env=None):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=env, timeout=120, check=False)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="cadre-installed-")
        cls.addClassCleanup(shutil.rmtree, cls.work)
        done = run(CMAKE, "--install", BUILD, "--component", "node",
                   env=dict(os.environ, DESTDIR=cls.work))
        assert done.returncode == 0, done.stderr.decode()
        cls.files = {name: os.path.join(folder, name)
                     for folder, _, names in os.walk(cls.work) for name in names
                     if not folder.endswith("sysusers.d")}

    def read(self, name):
        with open(self.files[name], encoding="utf-8") as file:
            return file.read()

    def test_the_manual_has_every_option_and_no_mistake(self):
        options = re.findall(r"^\s+--([a-z-]+)", run(PROGRAM, "--help").stdout.decode(), re.M)
        page = self.read("cadred.8").replace("\\-", "-")
        for option in options:
            if option != "version":
                self.assertIn("--%s" % option, page)
        if shutil.which("groff"):
            done = run("groff", "-man", "-ww", "-z", "-Tutf8", self.files["cadred.8"])
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_the_example_is_a_file_that_the_daemon_takes(self):
        done = run(PROGRAM, "leader", "--config", self.files["cadre.conf"], "--show-config",
                   env={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def test_the_unit_starts_what_is_installed(self):
        text = self.read("cadred@.service")
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read_string(text)
        service = parser["Service"]
        self.assertEqual(service["Type"], "notify")
        self.assertEqual(service["ExecStart"].split()[1:], ["%i"])
        self.assertEqual(self.work + service["ExecStart"].split()[0], self.files["cadred"])
        self.assertEqual(service["RestartPreventExitStatus"], "2 3 6")
        if not shutil.which("systemd-analyze"):
            return
        unit = os.path.join(self.work, "cadred@leader.service")
        with open(unit, "w", encoding="utf-8") as file:
            file.write(text.replace("ExecStart=", "ExecStart=" + self.work))
        done = run("systemd-analyze", "verify", "--man=no", unit)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    PROGRAM, BUILD, CMAKE = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
