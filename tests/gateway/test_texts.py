#!/usr/bin/env python3
"""Options of the gateway, and the texts that follow from their table; TLS."""
import http.client
import os
import re
import shutil
import ssl
import subprocess
import unittest

from gateway import Gateway, GatewayTest, cli, environment, program


def run(*arguments, code=0, **env):
    done = subprocess.run([program("cadre-gateway"), *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment(**env), timeout=60, check=False)
    if done.returncode != code:
        raise AssertionError("exit code %d: %s" % (done.returncode, done.stderr.decode()))
    return done.stdout.decode(), done.stderr.decode()


class Texts(cli.PlainTest):
    def test_the_manual_has_every_option_and_no_mistake(self):
        page = self.write("page.8", run("--man-page")[0])
        options = re.findall(r"^\s+--([a-z-]+)", run("--help")[0], re.M)
        with open(page, encoding="utf-8") as file:
            text = file.read().replace("\\-", "-")
        for option in options:
            if option != "version":
                self.assertIn("--%s" % option, text)
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-ww", "-z", "-Tutf8", page],
                                  stderr=subprocess.PIPE, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_the_example_and_what_is_shown_are_files_that_it_takes(self):
        example = self.write("example.conf", run("--example-config")[0])
        shown = run("--config", example, "--show-config", CADRE_GATEWAY_CALLS="7")[0]
        again = run("--config", self.write("shown.conf", shown), "--show-config")[0]
        self.assertRegex(again, r"calls\s*=\s*7")

    def test_mistakes_are_told_before_anything_listens(self):
        for arguments, word in (
                (("--listen", "nowhere:x"), "nowhere"), (("--call-time", "7 potatoes"), "potatoes"),
                (("--lisen", "x"), "listen"), (("stray",), "stray"),
                (("--listen", "0.0.0.0:0"), "0.0.0.0"),
                (("--listen", "0.0.0.0:0", "--insecure", "--insecure-no-auth"), "loopback"),
                (("--tls-key", "x"), "tls-certificate"),
                (("--tls-key", "none", "--tls-certificate", "none"), "none"),
                (("--config", "none.conf"), "none.conf")):
            self.assertIn(word, run(*arguments, code=2)[1], arguments)


class Serving(GatewayTest):
    def test_a_port_in_use_is_told(self):
        error = run("--listen", "127.0.0.1:%d" % self.gateway.port, "--insecure-no-auth", code=5)[1]
        self.assertIn("in use", error)

    def test_a_stop_takes_the_ready_file_away_and_is_no_failure(self):
        gateway = self.start_gateway()
        self.assertTrue(os.path.exists(os.path.join(self.home, "gateway1.ready")))
        self.assertEqual(gateway.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.home, "gateway1.ready")))

    def test_without_a_key_of_the_client_requests_are_refused(self):
        ready = Gateway.no_auth
        self.addCleanup(setattr, Gateway, "no_auth", ready)
        Gateway.no_auth = ()
        gateway = self.start_gateway()
        answer = self.request("GET", "/cadre/v1/status", gateway=gateway)
        self.assertEqual((answer.status, answer.json()["code"]), (401, "NotAuthenticated"))

    @unittest.skipUnless(shutil.which("openssl"), "no openssl to make a certificate with")
    def test_with_a_certificate_it_speaks_tls_and_nothing_else(self):
        key, certificate = self.path("key.pem"), self.path("certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], stderr=subprocess.DEVNULL, check=True)
        gateway = self.start_gateway("--tls-certificate", certificate, "--tls-key", key)
        self.assertTrue(gateway.url.startswith("https://"))
        context = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection(gateway.host, gateway.port, timeout=60,
                                                 context=context)
        self.addCleanup(connection.close)
        connection.request("GET", "/cadre/v1/status")
        self.assertEqual(connection.getresponse().status, 200)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.request("GET", "/cadre/v1/status", gateway=gateway)


if __name__ == "__main__":
    cli.main()
