#!/usr/bin/env python3
"""OCI's TypeScript SDK, unmodified, against a gateway: tests/gateway/sdk/flows.cjs.

Left out where node is absent or the SDK was not fetched by `tools/dev sdk`.
"""
import os
import shutil
import subprocess
import unittest

import gateway as under_test
from gateway import GatewayTest, cli

MODULES = os.environ.get("CADRE_SDK_DIR") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "deps", "sdk", "node_modules")


@unittest.skipUnless(shutil.which("node") and os.path.isdir(MODULES),
                     "no node, or no SDK: run tools/dev sdk")
class Sdk(GatewayTest):
    def test_every_operation_works_through_the_sdk(self):
        self.start_node()
        models = [self.model(name) for name in ("m1", "m2", "m3")]
        script = os.path.join(cli.SOURCE, "tests", "gateway", "sdk", "flows.cjs")
        done = subprocess.run(
            ["node", script, self.gateway.url, os.path.abspath(MODULES), self.compartment,
             *models],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=under_test.environment(), timeout=240, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode() + self.gateway.text())
        self.assertEqual(done.stdout.decode().count("ok "), 7)


if __name__ == "__main__":
    cli.main()
