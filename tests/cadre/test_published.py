#!/usr/bin/env python3
"""The request bodies of OCI's documentation, as they are published."""
import unittest

import cli
from cli import CliTest, example

SAME = ["--compartment", "ocid1.compartment.oc1..c"]


class Published(CliTest):
    def setUp(self):
        super().setUp()
        self.env.update(CADRE_COMPARTMENT="ocid1.compartment.oc1..c")

    def test_create_link_clone_from_the_history_patch_and_deploy(self):
        self.quiet("group", "create", "--from-json", example("create-group-sdk.json"))
        history = self.quiet("history", "create", "--from-json", example("create-history.json"))
        self.assertIn("dscmodelgroupversionhistory", history[0])
        made = self.json("group", "clone", "--from-json", example("clone-scoring.json"))
        self.assertEqual(made["versionId"], 2)
        keys = self.keys("scoring")
        self.assertEqual(sorted(keys), ["key-1", "key-11", "key-12", "key-2"])
        self.assertEqual(keys["key-11"], "ocid1.datasciencemodel.oc1..m11")
        group = self.json("group", "show", "scoring")
        self.assertEqual(group["id"], made["id"])
        self.assertEqual(group["displayName"], "test model group clone from mgvh")
        self.assertEqual(group["createType"], "CLONE")

        # A fragment: the patch alone, flags say of what.
        fragment = self.write("fragment.json", {"patchModelGroupMemberModelDetails": {"items": [
            {"operation": "REMOVE", "values": [
                {"modelId": "ocid1.datasciencemodel.oc1..m12", "inferenceKey": "key-12"}]}]}})
        made = self.json("group", "patch", "scoring", "--from-json", fragment, "--label", "less",
                         "--insert", "never=used")
        self.assertEqual(made["versionId"], 3)
        self.assertEqual(sorted(self.keys("scoring")), ["key-1", "key-11", "key-2"])

        deployment = self.json("deployment", "create", "--from-json",
                               example("create-deployment.json"), "--group", "scoring")
        shown = self.json("deployment", "show", deployment["id"])
        self.assertEqual(shown["displayName"], "MMS Model Group Deployment")
        configuration = shown["modelDeploymentConfigurationDetails"]
        self.assertEqual(configuration["modelGroupConfigurationDetails"]["modelGroupId"],
                         made["id"])
        instance = configuration["infrastructureConfigurationDetails"]["instanceConfiguration"]
        self.assertEqual(instance["instanceShapeName"], "VM.Standard.E4.Flex")
        self.assertEqual(
            configuration["environmentConfigurationDetails"]["environmentVariables"],
            {"WEB_CONCURRENCY": "1"})
        self.assertIn("logId", shown["categoryLogDetails"]["access"])

    def test_a_fragment_without_braces_is_filled_by_flags(self):
        made = self.json("group", "create", "--from-json", example("member-entries.json"),
                         "--name", "filled", "--type", "HETEROGENEOUS")
        group = self.json("group", "show", made["id"])
        self.assertEqual(group["displayName"], "filled")
        self.assertEqual(group["modelGroupDetails"]["type"], "HETEROGENEOUS")
        self.assertEqual(len(group["memberModelEntries"]["memberModelDetails"]), 3)

    def test_a_whole_body_keeps_what_it_says(self):
        made = self.json("group", "create", "--from-json", example("create-group.json"),
                         "--name", "not used", "--description", "not used")
        group = self.json("group", "show", made["id"])
        self.assertEqual(group["displayName"], "My ModelGroup")
        self.assertEqual(group["description"], "mms")
        self.assertEqual(group["freeformTags"], {"Department": "Finance"})
        self.assertEqual(group["modelGroupDetails"]["customMetadataList"],
                         [{"key": "GPU", "value": "0", "description": "pin",
                           "category": "other"}])

    def test_a_body_may_come_from_standard_input(self):
        with open(example("create-group.json"), encoding="utf-8") as file:
            made = self.json("group", "create", "--from-json", "-", text=file.read())
        self.assertEqual(made["versionId"], 1)

    def test_a_stacked_group_from_flags_keeps_its_base_through_a_patch(self):
        base = cli.MODEL + "base"
        made = self.json("group", "create", "--name", "stacked", "--type", "STACKED",
                         "--base", base, "--member", "base=" + base, "--member",
                         "tuned=" + cli.MODEL + "tuned", "--metadata", "GPU Configuration:gpu=0")
        patched = self.json("group", "patch", made["id"], "--insert",
                            "more=" + cli.MODEL + "more", "--metadata",
                            "GPU Configuration:gpu=1")
        details = self.json("group", "show", patched["id"])["modelGroupDetails"]
        self.assertEqual(details["baseModelId"], base)
        self.assertEqual(details["customMetadataList"],
                         [{"key": "gpu", "value": "1", "category": "GPU Configuration"}])
        error = self.fails(1, "group", "patch", patched["id"], "--remove", "base")
        self.assertIn("modelId", error)

    def test_mistakes_in_a_body_name_file_or_field(self):
        path = self.write("bad.json", '{"memberModelEntries": {"memberModelDetails": [{}]}}')
        self.assertIn("memberModelDetails[0].modelId: missing",
                      self.fails(1, "group", "create", "--from-json", path))
        path = self.write("worse.json", '{"displayName": ')
        self.assertIn("worse.json", self.fails(1, "group", "create", "--from-json", path))
        self.assertIn("no such file", self.fails(3, "group", "create", "--from-json", "none"))
        for verb in ("clone", "patch"):
            made = self.json("group", "create", "--from-json", example("create-group.json"))
            self.assertIn("createType", self.fails(1, "group", verb, made["id"], "--from-json",
                                                   example("create-group.json")))
        path = self.write("two.json", "{} {}")
        self.assertIn("second body", self.fails(1, "group", "create", "--from-json", path))


if __name__ == "__main__":
    cli.main()
