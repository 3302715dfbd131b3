"""cadre-gateway under test, in front of a leader of its own."""
import http.client
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cadre"))
import cli  # noqa: E402
from cli import CliTest, environment, program  # noqa: E402,F401
from daemon import DEADLINE_S, wait_for  # noqa: E402

V = "/20190101"


class Gateway:
    """One process; `close` ends it whatever its state."""
    no_auth = ("--insecure-no-auth",)

    def __init__(self, home, number, *arguments):
        ready = os.path.join(home, "gateway%d.ready" % number)
        self.log_path = os.path.join(home, "gateway%d.log" % number)
        self.log = open(self.log_path, "w", encoding="utf-8")
        self.process = subprocess.Popen(
            [program("cadre-gateway"), "--listen", "127.0.0.1:0", "--ready-file", ready,
             *self.no_auth, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
            env=environment())
        wait_for("the gateway", lambda: os.path.exists(ready) or self.ended())
        if self.ended():
            raise AssertionError("ended before it served:\n" + self.text())
        with open(ready, encoding="utf-8") as file:
            self.url = json.load(file)["url"]
        self.host, port = self.url.split("//")[1].rsplit(":", 1)
        self.port = int(port)

    def ended(self):
        return self.process.poll() is not None

    def text(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)

    def close(self):
        if not self.ended():
            self.process.kill()
            self.process.wait()
        self.log.close()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    def json(self):
        return json.loads(self.body)


class GatewayTest(CliTest):
    """A leader and a gateway for the class, a compartment for each test."""
    arguments = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateways = []
        try:
            cls.gateway = cls.start_gateway(*cls.arguments)
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def start_gateway(cls, *arguments):
        gateway = Gateway(cls.home, len(cls.gateways), "--address", cls.address, *arguments)
        cls.gateways.append(gateway)
        return gateway

    @classmethod
    def tearDownClass(cls):
        # A clean end: a sanitizer then says what was leaked.
        codes = [gateway.process.poll() if gateway.ended() else gateway.stop()
                 for gateway in cls.gateways]
        for gateway in cls.gateways:
            gateway.close()
        super().tearDownClass()
        if any(codes):
            raise AssertionError("gateways ended with %s" % codes)

    def request(self, method, path, body=None, headers=None, gateway=None):
        gateway = gateway or self.gateway
        connection = http.client.HTTPConnection(gateway.host, gateway.port, timeout=60)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def ok(self, method, path, body=None, status=200, **more):
        answer = self.request(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.body)
        return answer

    def refused(self, status, code, method, path, body=None, **more):
        """The message of an error that has this status and code."""
        answer = self.request(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.body)
        error = answer.json()
        self.assertEqual(error["code"], code, error)
        self.assertTrue(error["message"])
        self.assertIn("opc-request-id", answer.headers)
        return error["message"]

    def group_body(self, name="g", members=None, **more):
        members = members or [{"inferenceKey": "a", "modelId": cli.MODEL + "a"},
                              {"inferenceKey": "b", "modelId": cli.MODEL + "b"}]
        body = {"createType": "CREATE", "compartmentId": self.compartment, "projectId": "p",
                "displayName": name, "modelGroupDetails": {"type": "HETEROGENEOUS"},
                "memberModelEntries": {"memberModelDetails": members}}
        body.update(more)
        return body

    def new_group(self, name="g", members=None, **more):
        return self.ok("POST", V + "/modelGroups", self.group_body(name, members, **more),
                       status=201).json()

    def start_node(self):
        """A follower with the worker of the tests."""
        worker = os.path.join(cli.BUILD, "tests", "unit", "agent", "stub_worker")
        follower = self.start("--join", self.leader.addresses["replication"],
                              "--predict-listen", "tcp://127.0.0.1:0", "--worker", worker,
                              "--name", "worker-1",
                              data=os.path.join(self.home, self.compartment),
                              role="follower")
        self.addCleanup(follower.stop)
        for name in ("m1", "m2", "m3"):
            self.quiet("model", "register", "--name", name, "--artifact",
                       self.write(name, name))
        return follower

    def model(self, name):
        return self.json("model", "show", name)["id"]
