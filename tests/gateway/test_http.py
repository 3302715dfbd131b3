#!/usr/bin/env python3
"""The gateway by plain HTTP: statuses, headers, bodies, pages, positions, events."""
import http.client
import json
import re
import threading
import unittest
import urllib.parse

from gateway import GatewayTest, V, cli, wait_for


class Statuses(GatewayTest):
    def test_a_creation_is_told_with_etag_work_request_and_position(self):
        answer = self.ok("POST", V + "/modelGroups", self.group_body(), status=201,
                         headers={"opc-request-id": "ABC123"})
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertRegex(answer.headers["etag"], r"^[0-9a-f]{32}$")
        self.assertRegex(answer.headers["opc-request-id"], r"^ABC123/[0-9A-F]+$")
        self.assertTrue(answer.headers["opc-work-request-id"].startswith("ocid1."))
        self.assertRegex(answer.headers["cadre-position"], r"^[0-9a-f]{32}:\d+$")
        group = answer.json()
        self.assertEqual(group["lifecycleState"], "ACTIVE")
        self.assertEqual(len(group["memberModelEntries"]["memberModelDetails"]), 2)

    def test_unknown_paths_and_methods_are_told(self):
        self.refused(404, "NotFound", "GET", "/")
        self.refused(404, "NotFound", "GET", V + "/modelGroups/")
        self.refused(404, "NotFound", "GET", V + "/modelGroups/x/y")
        self.refused(404, "NotFound", "POST", V + "/nothing", body={"a": 1})
        self.refused(405, "MethodNotAllowed", "PATCH", V + "/modelGroups")
        answer = self.request("DELETE", V + "/modelGroups")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, POST"))

    def test_ids_of_another_kind_and_names_are_not_found(self):
        group = self.new_group("named")
        for path in ("/modelGroups/named", "/modelDeployments/" + group["id"],
                     "/modelGroupVersionHistory/" + group["id"], "/models/" + group["id"],
                     "/workRequests/" + group["id"],
                     "/workRequests/ocid1.datascienceworkrequest.oc1.cadre.00000000ffffffff"):
            self.refused(404, "NotAuthorizedOrNotFound", "GET", V + path)
        self.refused(404, "NotAuthorizedOrNotFound", "DELETE",
                     V + "/modelGroups/ocid1.datasciencemodelgroup.oc1..no")
        self.refused(404, "InvalidParameter", "GET", V + "/modelGroups/a%00b")
        self.refused(404, "InvalidParameter", "GET", V + "/modelGroups/%ff")

    def test_any_bytes_in_headers_give_a_readable_refusal(self):
        for name in ("cadre-position", "if-match", "opc-retry-token"):
            self.refused(400, "InvalidParameter", "PUT",
                         V + "/modelGroups/" + self.new_group()["id"],
                         {"description": "x"}, headers={name: b"\xff\xfe\xc3"})

    def test_a_changed_etag_refuses_and_the_right_one_does_not(self):
        group = self.new_group()
        path = V + "/modelGroups/" + group["id"]
        etag = self.ok("GET", path).headers["etag"]
        self.refused(412, "NoEtagMatch", "PUT", path, {"description": "x"},
                     headers={"if-match": "0" * 32})
        self.ok("PUT", path, {"description": "x"}, headers={"if-match": '"%s"' % etag})
        self.refused(412, "NoEtagMatch", "DELETE", path, headers={"if-match": etag})
        self.ok("PUT", path, {"description": "x"}, headers={"if-match": "*"})
        answer = self.ok("DELETE", path, status=202)
        self.assertEqual(answer.body, b"")
        self.refused(409, "Conflict", "POST", path + "/actions/activate")

    def test_an_empty_update_changes_nothing(self):
        path = V + "/modelGroups/" + self.new_group()["id"]
        etag = self.ok("GET", path).headers["etag"]
        for body in (None, b"", {}, {"displayName": None}):
            self.assertEqual(self.ok("PUT", path, body).headers["etag"], etag)

    def test_a_move_takes_a_compartment_and_answers_nothing(self):
        group = self.new_group()
        path = V + "/modelGroups/%s/actions/changeCompartment" % group["id"]
        answer = self.ok("POST", path, {"compartmentId": "else"}, status=204)
        self.assertEqual(answer.body, b"")
        self.refused(400, "MissingParameter", "POST", path, {})
        self.refused(400, "MissingParameter", "POST", path)

    def test_a_group_that_exists_is_made_once_for_one_retry_token(self):
        headers = {"opc-retry-token": "a-token-of-this-test"}
        first = self.ok("POST", V + "/modelGroups", self.group_body(), 201, headers=headers)
        again = self.ok("POST", V + "/modelGroups", self.group_body(), 201, headers=headers)
        self.assertEqual(first.json()["id"], again.json()["id"])
        self.assertEqual(first.headers["opc-work-request-id"],
                         again.headers["opc-work-request-id"])
        self.refused(409, "InvalidatedRetryToken", "POST", V + "/modelGroups",
                     self.group_body("other"), headers=headers)
        self.refused(400, "InvalidParameter", "POST", V + "/modelGroups", self.group_body(),
                     headers={"opc-retry-token": "x" * 65})


class Bodies(GatewayTest):
    def create(self, status, code, body):
        return self.refused(status, code, "POST", V + "/modelGroups", body)

    def test_what_is_no_json_object_cannot_be_parsed(self):
        for body in (b"{", b"nonsense", b"[]", b'"text"', b"1", b'{"a":1}{"b":2}',
                     b'{"createType":"CREATE","createType":"CLONE"}', b"\xff\xfe{}",
                     b'{"a":"\xc3\x28"}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}',
                     b'{"a":1e999}', b"[" * 100000, b'{"a":' * 100000):
            self.create(400, "CannotParseRequest", body)
        self.create(400, "MissingParameter", b"")

    def test_fields_that_miss_or_have_another_type_are_named(self):
        body = self.group_body()
        del body["memberModelEntries"]["memberModelDetails"][1]["modelId"]
        self.assertIn("memberModelDetails[1].modelId",
                      self.create(400, "MissingParameter", body))
        for field in ("createType", "compartmentId", "projectId", "modelGroupDetails",
                      "memberModelEntries"):
            body = self.group_body()
            del body[field]
            self.assertIn(field, self.create(400, "MissingParameter", body))
        self.assertIn("displayName: expected a string",
                      self.create(400, "InvalidParameter", self.group_body(displayName=7)))

    def test_unknown_fields_are_ignored_and_unknown_discriminators_refused(self):
        self.new_group(unknown={"a": [1, 2]})
        self.create(400, "InvalidParameter", self.group_body(createType="COPY"))
        self.create(400, "InvalidParameter",
                    self.group_body(modelGroupDetails={"type": "LAYERED"}))
        group = self.new_group()
        clone = {"createType": "CLONE", "compartmentId": self.compartment, "projectId": "p",
                 "modelGroupCloneSourceDetails": {"modelGroupCloneSourceType": "MODEL_GROUP",
                                                  "sourceId": group["id"]}}
        source = clone["modelGroupCloneSourceDetails"]
        self.ok("POST", V + "/modelGroups", clone, 201)
        source["patchModelGroupMemberModelDetails"] = {
            "items": [{"operation": "REPLACE", "values": []}]}
        self.create(400, "InvalidParameter", clone)
        del source["patchModelGroupMemberModelDetails"]
        source["modelGroupCloneSourceType"] = "MODEL"
        self.create(400, "InvalidParameter", clone)

    def test_keys_of_33_characters_are_refused_and_of_32_taken(self):
        members = [{"inferenceKey": "é" * 32, "modelId": cli.MODEL + "a"}]
        self.new_group(members=members)
        members[0]["inferenceKey"] = "é" * 33
        self.assertIn("33 characters", self.create(400, "InvalidParameter",
                                                   self.group_body(members=members)))

    def test_1000_members_fit_and_one_more_does_not(self):
        members = [{"inferenceKey": "key-%d" % n, "modelId": cli.MODEL + "%060d" % n}
                   for n in range(1001)]
        group = self.new_group(members=members[:1000])
        self.assertEqual(len(group["memberModelEntries"]["memberModelDetails"]), 1000)
        self.create(400, "LimitExceeded", self.group_body(members=members))
        seen, page = [], ""
        while page is not None:
            answer = self.ok("GET", V + "/modelGroups/%s/models?compartmentId=%s&limit=100%s" % (
                group["id"], self.compartment, page and "&page=" + page))
            seen += [row["inferenceKey"] for row in answer.json()]
            page = answer.headers.get("opc-next-page")
        self.assertEqual(sorted(seen), sorted(m["inferenceKey"] for m in members[:1000]))

    def test_odd_characters_come_back_as_they_were(self):
        for name in ("é日本\U0001f600", 'quote " and \\ back', "<script>&amp;", "100% + 1&2=3",
                     " spaces ", "a/b?c#d"):
            group = self.new_group(name, description=name, freeformTags={name[:50]: name})
            self.assertEqual(group["displayName"], name)
            self.assertEqual(group["freeformTags"], {name[:50]: name})
            quoted = urllib.parse.quote_plus(name)
            found = self.ok("GET", V + "/modelGroups?compartmentId=%s&displayName=%s" % (
                self.compartment, quoted)).json()
            self.assertEqual([row["id"] for row in found], [group["id"]])


class Lists(GatewayTest):
    def list(self, query="", **more):
        return self.ok("GET", V + "/modelGroups?compartmentId=%s%s" % (self.compartment, query),
                       **more)

    def test_a_list_is_a_bare_array_of_summaries(self):
        self.new_group(description="long")
        row, = self.list().json()
        self.assertEqual(row["displayName"], "g")
        self.assertIn("modelGroupDetails", row)
        for field in ("description", "memberModelEntries", "createType"):
            self.assertNotIn(field, row)

    def test_filters_narrow_and_wrong_ones_are_refused(self):
        one, two = self.new_group("one"), self.new_group("two", projectId="other")
        self.ok("POST", V + "/modelGroups/%s/actions/deactivate" % two["id"])
        def names(query):
            return [row["displayName"] for row in self.list(query).json()]
        self.assertEqual(names("&displayName=one"), ["one"])
        self.assertEqual(names("&projectId=other"), ["two"])
        self.assertEqual(names("&lifecycleState=INACTIVE"), ["two"])
        self.assertEqual(names("&id=" + one["id"]), ["one"])
        self.assertEqual(names("&id=%s&displayName=two" % one["id"]), [])
        self.assertEqual(names("&id=ocid1.datasciencemodelgroup.oc1..no"), [])
        self.assertEqual(names(""), ["two", "one"])
        self.assertEqual(names("&sortOrder=ASC"), ["one", "two"])
        self.assertEqual(names("&sortBy=displayName"), ["one", "two"])
        for query in ("&lifecycleState=BUSY", "&sortBy=age", "&sortOrder=UP", "&limit=0",
                      "&limit=101", "&limit=x", "&limit=-1", "&page=zz", "&page=0"):
            self.refused(400, "InvalidParameter", "GET",
                         V + "/modelGroups?compartmentId=c" + query)
        self.refused(400, "MissingParameter", "GET", V + "/modelGroups")
        self.refused(400, "MissingParameter", "GET", V + "/modelGroups?compartmentId=")

    def test_many_clients_at_once_are_all_answered(self):
        answers = []
        def work(number):
            for turn in range(15):
                name = "c%d-%d" % (number, turn)
                made = self.request("POST", V + "/modelGroups", self.group_body(name))
                found = self.request("GET", V + "/modelGroups/" + made.json()["id"])
                answers.append((made.status, found.status, found.json()["displayName"] == name))
        workers = [threading.Thread(target=work, args=(number,)) for number in range(24)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(set(answers), {(201, 200, True)})
        self.assertEqual(len(answers), 24 * 15)

    def test_broken_escapes_stand_for_themselves(self):
        self.new_group("100%")
        self.assertEqual(len(self.list("&displayName=100%").json()), 1)
        self.refused(400, "InvalidParameter", "GET",
                     V + "/modelGroups?compartmentId=c&displayName=%00")
        self.refused(400, "InvalidParameter", "GET",
                     V + "/modelGroups?compartmentId=c&displayName=%ff")
        self.refused(400, "InvalidParameter", "GET",
                     V + "/modelGroups?compartmentId=c" + "&x=1" * 40)

    def test_pages_under_writes_show_what_was_there_once_each(self):
        before = [self.new_group("before-%d" % n)["id"] for n in range(9)]
        seen, page, turn = [], "", 0
        while page is not None:
            answer = self.list("&limit=2" + (page and "&page=" + page))
            seen += [row["id"] for row in answer.json()]
            page = answer.headers.get("opc-next-page")
            self.assertRegex(page or "x", r"^[A-Za-z0-9_-]{1,512}$")
            self.new_group("meanwhile-%d" % turn)
            turn += 1
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual([id for id in seen if id in before], before[::-1])

    def test_a_page_of_another_kind_of_list_is_refused_or_harmless(self):
        for n in range(3):
            self.new_group("n%d" % n)
        page = self.list("&limit=1&sortBy=displayName").headers["opc-next-page"]
        answer = self.request("GET", V + "/modelGroups?compartmentId=%s&page=%s" % (
            self.compartment, page))
        self.assertIn(answer.status, (200, 400))


class Extras(GatewayTest):
    def extra(self, path, **query):
        return self.ok("GET", "/cadre/v1/%s?%s" % (path, urllib.parse.urlencode(query)))

    def line(self):
        """A history of two versions in which key b changes hands."""
        first = self.new_group("v1")
        history = self.ok("POST", V + "/modelGroupVersionHistory", {
            "compartmentId": self.compartment, "projectId": "p", "displayName": "line",
            "latestModelGroupId": first["id"]}).json()
        seq = int(self.ok("GET", V + "/modelGroups/" + first["id"])
                  .headers["cadre-position"].split(":")[1])
        second = self.ok("POST", V + "/modelGroups", {
            "createType": "CLONE", "compartmentId": self.compartment, "projectId": "p",
            "modelGroupCloneSourceDetails": {
                "modelGroupCloneSourceType": "MODEL_GROUP_VERSION_HISTORY",
                "sourceId": history["id"],
                "modifyModelGroupDetails": {"displayName": "v2"},
                "patchModelGroupMemberModelDetails": {"items": [
                    {"operation": "REMOVE", "values": [{"modelId": cli.MODEL + "b"}]},
                    {"operation": "INSERT", "values": [
                        {"inferenceKey": "b", "modelId": cli.MODEL + "c"}]}]}}}, 201).json()
        return history, first, second, seq

    def test_the_past_is_told(self):
        history, first, second, seq = self.line()
        now = self.extra("resolve", target=history["id"], key="b").json()
        self.assertEqual((now["modelId"], now["groupId"]), (cli.MODEL + "c", second["id"]))
        then = self.extra("resolve", target=history["id"], key="b", at=seq).json()
        self.assertEqual(then["modelId"], cli.MODEL + "b")
        self.refused(400, "InvalidParameter", "GET", "/cadre/v1/resolve?target=x&key=b&at=soon")
        self.refused(404, "NotAuthorizedOrNotFound", "GET",
                     "/cadre/v1/resolve?target=%s&key=zz" % history["id"])
        log = self.extra("key-log", target=history["id"], key="b").json()["entries"]
        self.assertEqual([entry["modelAfter"] for entry in log],
                         [cli.MODEL + "c", cli.MODEL + "b"])
        page = self.extra("key-log", target=history["id"], key="b", limit=1)
        rest = self.extra("key-log", target=history["id"], key="b", limit=1,
                          page=page.headers["opc-next-page"]).json()["entries"]
        self.assertEqual(rest[0]["modelAfter"], cli.MODEL + "b")
        diff = self.extra("diff", **{"from": first["id"], "to": second["id"]}).json()
        self.assertEqual(len(diff["changes"]), 2)
        graph = self.ok("GET", "/cadre/v1/histories/%s/graph" % history["id"]).json()
        self.assertEqual([version["versionId"] for version in graph["versions"]], [2, 1])
        self.assertEqual(graph["versions"][0]["sourceModelGroupId"], first["id"])
        self.assertTrue(graph["versions"][0]["latest"])
        status = self.extra("status").json()
        self.assertEqual(status["role"], "leader")

    def events(self, count, headers=None, query=""):
        """So many server-sent events, as (id, name, data)."""
        connection = http.client.HTTPConnection(self.gateway.host, self.gateway.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/cadre/v1/watch" + query, headers=headers or {})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("content-type"), "text/event-stream")
        found, fields = [], {}
        while len(found) < count:
            line = answer.readline().decode().rstrip("\n")
            if line == "" and "data" in fields:
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
            fields = {} if line == "" else fields
            if re.match(r"\w+: ", line):
                name, value = line.split(": ", 1)
                fields[name] = value
        return found

    def test_a_watch_goes_on_behind_the_last_event_that_was_seen(self):
        start = self.seq() + 1
        groups = [self.new_group("w%d" % n)["id"] for n in range(4)]
        first = self.events(2, query="?from=%d" % start)
        self.assertEqual([event[2]["event"]["groupCreated"]["id"] for event in first], groups[:2])
        self.assertEqual([event[1] for event in first], ["group_created"] * 2)
        rest = self.events(2, headers={"Last-Event-ID": str(first[-1][0])})
        self.assertEqual([event[2]["event"]["groupCreated"]["id"] for event in rest], groups[2:])
        self.refused(400, "InvalidParameter", "GET", "/cadre/v1/watch",
                     headers={"Last-Event-ID": "x"})

    def test_the_document_has_every_route(self):
        document = self.ok("GET", "/cadre/v1/openapi.json").json()
        routes = {(method.upper(), path) for path, methods in document["paths"].items()
                  for method in methods}
        operations = [operation["operationId"] for methods in document["paths"].values()
                      for operation in methods.values()]
        self.assertEqual(len(operations), len(set(operations)))
        self.assertGreater(len(routes), 40)
        for method, template in routes:
            path = re.sub(r"\{\w+\}", "ocid1.none", template)
            if path.endswith("/watch"):
                continue
            answer = self.request(method, path)
            if method != "HEAD" and answer.status >= 400:
                # The route is there: what is refused is the id or the query.
                self.assertNotIn(answer.json()["code"], ("NotFound", "MethodNotAllowed"),
                                 (method, path))
        for path in document["paths"]:
            for method in ("GET", "POST", "PUT", "DELETE"):
                if (method, path) not in routes:
                    self.refused(405, "MethodNotAllowed", method,
                                 re.sub(r"\{\w+\}", "ocid1.none", path))

    def test_two_gateways_read_each_others_writes_by_position(self):
        other = self.start_gateway()
        for n in range(20):
            made = self.ok("POST", V + "/modelGroups", self.group_body("p%d" % n), 201)
            self.ok("GET", V + "/modelGroups/" + made.json()["id"], gateway=other,
                    headers={"cadre-position": made.headers["cadre-position"]})
        self.refused(400, "InvalidParameter", "GET", "/cadre/v1/status",
                     headers={"cadre-position": "x"})
        self.refused(409, "Conflict", "GET", "/cadre/v1/status",
                     headers={"cadre-position": "0" * 32 + ":1"})


class Waits(GatewayTest):
    arguments = ("--call-time", "1s")

    def test_a_position_of_the_future_is_waited_for_and_does_no_harm(self):
        position = self.ok("GET", "/cadre/v1/status").headers["cadre-position"]
        far = "%s:%d" % (position.split(":")[0], int(position.split(":")[1]) + 1000)
        self.refused(503, "ServiceUnavailable", "GET", "/cadre/v1/status",
                     headers={"cadre-position": far})
        self.ok("GET", "/cadre/v1/status")

    def test_without_a_leader_clients_are_told_to_come_again(self):
        self.leader.stop()
        answer = self.request("GET", V + "/modelGroups?compartmentId=c")
        self.assertIn(answer.status, (503, 504))
        self.assertIn(answer.json()["code"], ("ServiceUnavailable", "GatewayTimeout"))
        type(self).restart()
        wait_for("an answer", lambda: self.request(
            "GET", V + "/modelGroups?compartmentId=c").status == 200)


class Predictions(GatewayTest):
    def test_a_model_is_chosen_by_header_or_field_and_answers_as_it_is(self):
        self.start_node()
        first = self.model("m1")
        group = self.new_group(members=[{"inferenceKey": "a", "modelId": first},
                                        {"modelId": self.model("m2")}])
        made = self.ok("POST", V + "/modelDeployments", {
            "compartmentId": self.compartment, "projectId": "p", "displayName": "live",
            "modelDeploymentConfigurationDetails": {
                "deploymentType": "MODEL_GROUP",
                "modelGroupConfigurationDetails": {"modelGroupId": group["id"]}}}, 201).json()
        wait_for("the deployment", lambda: self.ok(
            "GET", V + "/modelDeployments/" + made["id"]).json()["lifecycleState"] == "ACTIVE")
        path = "/%s/predict" % made["id"]
        answer = wait_for("a prediction", lambda: (lambda found: found.status == 200 and found)(
            self.request("POST", path, b"echo hello", {"model-key": "a"})))
        self.assertTrue(answer.body.endswith(b" hello"), answer.body)
        self.assertEqual(answer.headers["cadre-model-id"], first)
        self.assertEqual(answer.headers["cadre-generation"], "1")
        for body in ({"model": "a"}, {"x": {"model": "zz"}, "model": first},
                     {"a": "model\":\"zz", "model": "a"}, json.dumps(json.dumps({"model": "a"}))):
            if isinstance(body, str):
                # The worker knows no such text: it was asked, that is enough.
                self.refused(400, "InvalidParameter", "POST", path, body)
            else:
                self.assertEqual(self.ok("POST", path, body).headers["cadre-model-id"], first)
        self.assertEqual(self.ok("POST", path, {"model": self.model("m2")})
                         .headers["cadre-model-id"], self.model("m2"))
        for body in (b"", b"echo x", b"{", b'{"model":', b'{"model":1}', b'{"a":"b"}', b"[]",
                     b"[" * 100000, b'{"a":' * 100000, b'{"model":""}'):
            self.refused(400, "MissingParameter", "POST", path, body)
        self.refused(503, "ServiceUnavailable", "POST", path, b"x", headers={"model-key": "zz"})
        self.refused(404, "NotAuthorizedOrNotFound", "POST", "/ocid1.none/predict", b"x",
                     headers={"model-key": "a"})
        stream = "/%s/predictWithResponseStream" % made["id"]
        self.assertEqual(self.ok("POST", stream, b"count 5", headers={"model-key": "a"}).body,
                         b"0;1;2;3;4;")
        self.assertEqual(len(self.ok("POST", stream, b"flood 3000",
                                     headers={"model-key": "a"}).body), 3000 * 1024)
        self.assertEqual(len(self.ok("POST", path, b"flood 300",
                                     headers={"model-key": "a"}).body), 300 * 1024)
        self.refused(400, "LimitExceeded", "POST", path, b"flood 11000",
                     headers={"model-key": "a"})
        self.refused(400, "InvalidParameter", "POST", stream, b"fail", headers={"model-key": "a"})


if __name__ == "__main__":
    cli.main()
