#!/usr/bin/env python3
"""A secured cluster behind the gateway: keys, signatures, policies, and what is logged."""
import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from email.utils import formatdate

from gateway import Gateway, GatewayTest, V, cli, program


class Key:
    """A fresh RSA key, by openssl."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name + ".pem")
        self.public = os.path.join(folder, name + ".pub.pem")
        with open(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(openssl("genrsa", "2048"))
        self.made()

    def made(self):
        with open(self.public, "wb") as file:
            file.write(openssl("rsa", "-in", self.path, "-pubout"))
        digest = hashlib.md5(openssl("rsa", "-in", self.path, "-pubout", "-outform", "DER"))
        self.fingerprint = ":".join(re.findall("..", digest.hexdigest()))

    def sign(self, text):
        return base64.b64encode(openssl("dgst", "-sha256", "-sign", self.path, text=text))


class Given(Key):
    """One that is there already."""

    def __init__(self, path):
        self.path, self.public = path, path + ".pub"
        self.made()


def openssl(*arguments, text=b""):
    return subprocess.run(["openssl", *arguments], input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True).stdout


class Signed(Gateway):
    no_auth = ()


class Auth(GatewayTest):
    @classmethod
    def setUpClass(cls):
        # As CliTest's, with --secure.
        cls.home = tempfile.mkdtemp(prefix="cadre-cli-")
        cls.data = os.path.join(cls.home, "data")
        cls.daemons, cls.gateways = [], []
        try:
            subprocess.run([program("cadre-admin"), "init", cls.data, "--cluster", "test",
                            "--secure"], stdout=subprocess.DEVNULL, check=True)
            cls.admin = Given(cls.data + "-admin.pem")
            cls.leader = cls.start()
            cls.address = cls.leader.addresses["rpc"]
            cls.ann, cls.door = Key(cls.home, "ann"), Key(cls.home, "door")
            cls.as_admin("principal", "put", "door", "--public-key", cls.door.public, "--gateway")
            cls.as_admin("principal", "put", "ann", "--public-key", cls.ann.path, "--group", "team")
            cls.gateway = Signed(cls.home, 0, "--address", cls.address, "--principal", "door",
                                 "--key-file", cls.door.path)
            cls.gateways.append(cls.gateway)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def as_admin(cls, *arguments, **more):
        return cli.run(*arguments, "--address", cls.address, "--principal", "admin", "--key",
                       cls.admin.path, **more)

    def may(self, *statements):
        given = [word for text in statements for word in ("--statement", text)]
        self.as_admin("policy", "put", "team", *given)

    def signed(self, key, method, target, body=None, names=None, **changed):
        """Headers as OCI's Python SDK makes them."""
        headers = {"date": formatdate(usegmt=True), "host": self.gateway.url.split("//")[1]}
        order = ["date", "(request-target)", "host"]
        if method in ("POST", "PUT"):
            body = body or ""
            digest = hashlib.sha256(body.encode()).digest()
            headers.update({"content-length": str(len(body)),
                            "content-type": "application/json",
                            "x-content-sha256": base64.b64encode(digest).decode()})
            order += ["content-length", "content-type", "x-content-sha256"]
        headers.update(changed)
        order = names or order
        lines = ["%s: %s" % (name, "%s %s" % (method.lower(), target)
                             if name == "(request-target)" else headers[name])
                 for name in order]
        signature = key.sign("\n".join(lines).encode()).decode()
        headers["authorization"] = (
            'Signature algorithm="rsa-sha256",headers="%s",keyId="tenancy/user/%s",'
            'signature="%s",version="1"' % (" ".join(order), key.fingerprint, signature))
        return headers

    def ask(self, key, method, target, body=None, **more):
        return self.request(method, target, body,
                            headers=self.signed(key, method, target, body, **more))

    def test_a_signed_request_is_its_principals(self):
        self.may("allow group team to manage data-science-family in compartment " +
                 self.compartment)
        made = self.ask(self.ann, "POST", V + "/modelGroups", self.body())
        self.assertEqual(made.status, 201, made.body)
        self.assertEqual(made.json()["createdBy"], "ann")
        seq = re.search(r"\d+$", made.headers["cadre-position"]).group()
        events = self.as_admin("watch", "--from", seq, "--limit", "1", "--json")[0]
        self.assertIn('"via":"door"', events.replace(" ", ""))

    def body(self):
        return json.dumps(self.group_body())

    def test_without_a_signature_or_with_a_strangers_nothing_is_answered(self):
        path = V + "/modelGroups?compartmentId=" + self.compartment
        stranger = Key(self.work, "stranger")
        self.refused(401, "NotAuthenticated", "GET", path)
        self.assertEqual(self.ask(stranger, "GET", path).status, 401)
        wrong = self.signed(self.ann, "GET", path + "x")
        self.refused(401, "NotAuthenticated", "GET", path, headers=wrong)
        late = formatdate(time.time() - 400, usegmt=True)
        self.assertEqual(self.ask(self.ann, "GET", path, date=late).status, 401)

    def test_what_is_not_allowed_is_not_there(self):
        self.may("allow group team to manage data-science-family in compartment elsewhere")
        self.as_admin("group", "create", "--name", "g", "--member", cli.MODEL + "a",
                      "--compartment", self.compartment)
        listed = self.ask(self.ann, "GET", V + "/modelGroups?compartmentId=" + self.compartment)
        self.assertEqual(listed.json(), [])
        group = self.as_admin("group", "list", "--compartment", self.compartment,
                              "--quiet")[0].split()[0]
        self.assertEqual(self.ask(self.ann, "GET", V + "/modelGroups/" + group).status, 404)
        self.assertEqual(self.ask(self.ann, "DELETE", V + "/modelGroups/" + group).status, 404)
        self.may("allow group team to read data-science-family in compartment " +
                 self.compartment)
        self.assertEqual(self.ask(self.ann, "GET", V + "/modelGroups/" + group).status, 200)
        # Another date: within one second it would be the same signature.
        later = formatdate(time.time() + 2, usegmt=True)
        self.assertEqual(self.ask(self.ann, "DELETE", V + "/modelGroups/" + group,
                                  date=later).status, 404)

    def test_a_copy_of_a_change_is_refused(self):
        self.may("allow group team to manage data-science-family in tenancy")
        body = self.body()
        headers = self.signed(self.ann, "POST", V + "/modelGroups", body)
        self.ok("POST", V + "/modelGroups", body, status=201, headers=headers)
        self.refused(401, "NotAuthenticated", "POST", V + "/modelGroups", body,
                     headers=headers)

    def test_a_repeat_with_its_retry_token_is_answered_again(self):
        self.may("allow group team to manage data-science-family in tenancy")
        body = self.body()
        headers = self.signed(self.ann, "POST", V + "/modelGroups", body)
        headers["opc-retry-token"] = self.compartment
        first = self.ok("POST", V + "/modelGroups", body, status=201, headers=headers).json()
        again = self.ok("POST", V + "/modelGroups", body, status=201, headers=headers).json()
        self.assertEqual(first["id"], again["id"])

    def test_a_removed_principal_is_out(self):
        other = Key(self.work, "other")
        path = V + "/modelGroups?compartmentId=" + self.compartment
        self.as_admin("principal", "put", "other", "--public-key", other.public)
        self.assertEqual(self.ask(other, "GET", path).status, 200)
        self.as_admin("principal", "remove", "other")
        self.assertEqual(self.ask(other, "GET", path).status, 401)

    def test_the_client_command_needs_a_key_too(self):
        self.may("allow group team to inspect data-science-model-groups in tenancy")
        self.fails(1, "group", "list", "--address", self.address)
        self.cadre("group", "list", "--address", self.address, "--principal", "ann", "--key",
                   self.ann.path)
        self.fails(1, "policy", "list", "--address", self.address, "--principal", "ann",
                   "--key", self.admin.path)
        os.chmod(self.ann.path, 0o644)
        said = self.fails(1, "group", "list", "--address", self.address, "--principal", "ann",
                          "--key", self.ann.path)
        os.chmod(self.ann.path, 0o600)
        self.assertIn("chmod 600", said)

    def test_policy_check_says_which_statement_decided(self):
        self.may("allow group team to use data-science-model-groups in compartment lab")
        said = self.as_admin("policy", "check", "ann", "read", "data-science-model-group",
                             "lab")[0]
        self.assertIn("allowed by policy team: allow group team to use", said)
        self.as_admin("policy", "check", "ann", "manage", "data-science-model-group", "lab",
                      code=1)
        self.as_admin("policy", "check", "ann", "read", "data-science-model-group",
                      "tenancy", code=1)
        self.as_admin("policy", "check", "nobody", "read", "data-science-models", "lab", code=3)
        self.assertIn("allow group team", self.as_admin("policy", "list")[0])
        self.assertIn(self.ann.fingerprint, self.as_admin("principal", "list")[0])

    def test_logs_and_data_hold_no_secret(self):
        path = V + "/modelGroups?compartmentId=" + self.compartment
        headers = self.signed(self.ann, "GET", path)
        self.ok("GET", path, headers=headers)
        self.refused(401, "NotAuthenticated", "GET", path + "x", headers=headers)
        signature = re.search('signature="([^"]+)"', headers["authorization"]).group(1)
        secrets = [signature.encode(), b"PRIVATE KEY"]
        for key in (self.ann, self.door, self.admin):
            with open(key.path, "rb") as file:
                secrets.append(file.read().split(b"\n")[5])
        for folder, _, files in os.walk(self.home):
            for name in files:
                if name.endswith(".pem"):
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                for secret in secrets:
                    self.assertNotIn(secret, content, name)
        self.assertIn("request.not_authenticated", self.gateway.text())

    def test_the_administrators_key_is_nobody_elses(self):
        self.assertEqual(os.stat(self.admin.path).st_mode & 0o777, 0o600)
        again = subprocess.run(
            [program("cadre-admin"), "init", os.path.join(self.work, "d"), "--cluster", "c",
             "--secure"], stdout=subprocess.PIPE, check=True)
        self.assertIn(os.path.join(self.work, "d-admin.pem"), again.stdout.decode())


if __name__ == "__main__":
    if shutil.which("openssl"):
        cli.main()
