#!/usr/bin/env python3
"""Checks the protocol's description with an independent validator (Debian: python3-jsonschema).

    protocol/check.py                  schemas, examples, scripts, documents
    protocol/check.py TRAFFIC.jsonl    and every request and reply that a test run saw

A line of the traffic log is {"request": text or null, "reply": text or null} or {"notification": text}, as
quipud writes them where QUIPU_TRAFFIC_LOG says. A method, an error code or a kind of notification that the run
never saw fails the check.
"""

import copy
import json
import pathlib
import sys

import jsonschema
import referencing
from referencing.jsonschema import DRAFT202012

import build

PROTOCOL = build.PROTOCOL
VALIDATOR = jsonschema.Draft202012Validator

# Error codes that no test can be asked to bring about from outside, and why.
NOT_FROM_OUTSIDE = {
    -32603: "a fault of the daemon, of which none is known",
}

# What a notification's data is, by topic.
NOTIFIED = {"events": "event", "metrics": "metric_change", "alerts": "spend_alert"}


class Report:
    def __init__(self):
        self.failures = []
        self.count = 0

    def expect(self, condition, where, what):
        self.count += 1
        if not condition:
            self.failures.append(f"{where}: {what}")

    def end(self):
        for failure in self.failures[:50]:
            print(failure)
        if len(self.failures) > 50:
            print(f"… and {len(self.failures) - 50} more")
        print(f"protocol: {self.count} checks, {len(self.failures)} failed")
        return 1 if self.failures else 0


def closed(schema):
    """The same schema, refusing members that it does not name: what the daemon answers is all described,
    while readers must still expect more from later versions."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {key: closed(item) for key, item in schema.items()}
    # A property may itself be called "properties"; only schemas of objects are meant.
    if schema.get("type") == "object" and "properties" in schema:
        copied.setdefault("additionalProperties", False)
    return copied


class Schemas:
    def __init__(self):
        self.common = build.load("common")
        self.methods = build.methods()
        self.registry = self.registry_of(self.common)
        self.closed_registry = self.registry_of(closed(copy.deepcopy(self.common)))

    @staticmethod
    def registry_of(common):
        resource = referencing.Resource.from_contents(common, default_specification=DRAFT202012)
        return referencing.Registry().with_resource("common.json", resource)

    def params_errors(self, method, params):
        return self.errors(self.methods[method]["params"], params, self.registry)

    def result_errors(self, method, result):
        return self.errors(closed(self.methods[method]["result"]), result, self.closed_registry)

    def common_errors(self, name, value):
        return self.errors({"$ref": f"common.json#/$defs/{name}"}, value, self.closed_registry)

    @staticmethod
    def errors(schema, value, registry):
        # Numbers with a zero fraction are whole, as JSON Schema has it.
        validator = VALIDATOR(schema, registry=registry)
        return [
            f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)
        ]


def files(folder, pattern):
    return sorted((PROTOCOL / folder).glob(pattern))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def check_schemas(schemas, report):
    for name, schema in schemas.common["$defs"].items():
        report.expect(valid_schema(schema), f"common.json {name}", "not a JSON Schema")
    for name, schema in schemas.methods.items():
        report.expect(
            {"$schema", "$id", "summary", "params", "result"} == set(schema), name, "wrong members")
        for part in ("params", "result"):
            report.expect(valid_schema(schema[part]), f"{name} {part}", "not a JSON Schema")
        report.expect(
            schema["params"].get("additionalProperties") is False, name,
            "params must refuse what they do not name")


def valid_schema(schema):
    try:
        VALIDATOR.check_schema(schema)
        return True
    except jsonschema.SchemaError:
        return False


def check_valid_examples(schemas, report):
    seen = set()
    for path in files("examples/valid", "*/*.json"):
        where = str(path.relative_to(PROTOCOL))
        example = read(path)
        method = path.parent.name
        seen.add(method)
        report.expect(set(example) == {"request", "reply"}, where, "wrong members")
        report.expect(example["request"]["method"] == method, where, "in another method's folder")
        check_pair(schemas, report, where, example["request"], example["reply"])
    for method in schemas.methods:
        report.expect(method in seen, method, "no valid example")


def check_invalid_examples(schemas, report):
    codes = {code for code, _, _ in build.ERRORS}
    for path in files("examples/invalid", "*.json"):
        where = str(path.relative_to(PROTOCOL))
        example = read(path)
        report.expect(example["error"]["code"] in codes, where, "no such code")
        report.expect(bool(example["error"].get("reason")), where, "no reason")
        if example["error"]["code"] != -32602 or "needs" in example:
            continue
        # What the schema can tell, it must; the rest depends on other members or on the calendar.
        request = json.loads(example["line"])
        method, path_ = request["method"], example["error"].get("path", "")
        told = schemas.params_errors(method, request.get("params", {}))
        if path.stem not in BEYOND_SCHEMA:
            report.expect(bool(told), where, f"the schema of {method} takes this ({path_})")


# Wrong in a way that a JSON Schema cannot say.
BEYOND_SCHEMA = {
    "until_before_since", "since_bad_date", "status_word", "where_status", "step_short",
    "aggregate_over", "ingest_bytes_differ", "ingest_nothing", "formula_constant", "formula_name",
    "formula_syntax", "error_category_word", "costs_group_by",
    "tasks_where_status", "documents_until", "search_nothing",
}


def check_pair(schemas, report, where, request, reply):
    """One request of an envelope that was taken, and its reply."""
    report.expect(reply.get("jsonrpc") == "2.0", where, "jsonrpc is missing in the reply")
    report.expect(reply.get("id") == request.get("id"), where, "another id in the reply")
    if "error" in reply:
        for error in schemas.common_errors("error", reply["error"]):
            report.expect(False, where, f"error {error}")
        return
    method = request["method"]
    report.expect(method in schemas.methods, where, f"no schema for {method}")
    if method not in schemas.methods:
        return
    for error in schemas.params_errors(method, request.get("params", {})):
        report.expect(False, where, f"params {error}")
    for error in schemas.result_errors(method, reply.get("result")):
        report.expect(False, where, f"result {error}")
    report.count += 2


def check_sessions(report):
    for path in files("sessions", "*.txt"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{path.relative_to(PROTOCOL)}:{number}"
            report.expect(
                not line or line[:2] in ("> ", "< ", "# ") or line in (">", "#"), where,
                "neither > request, < reply nor # comment")


def check_documents(schemas, report):
    for path in build.stale():
        report.expect(False, str(path.relative_to(build.REPOSITORY)), "stale; run protocol/build.py")
    for name in ("openrpc.json", "ingest-openrpc.json"):
        document = read(PROTOCOL / name)
        defined = document["components"]["schemas"]
        missing = build.referenced(document, set()) - set(defined)
        report.expect(not missing, name, f"refers to {sorted(missing)}")
        for key, schema in defined.items():
            report.expect(valid_schema(schema), f"{name} {key}", "not a JSON Schema")


class Traffic:
    """What a test run asked and was answered."""

    def __init__(self, schemas, report):
        self.schemas = schemas
        self.report = report
        self.pairs = 0
        self.methods = set()
        self.codes = set()
        self.topics = set()

    def line(self, where, entry):
        if "notification" in entry:
            self.notification(where, json.loads(entry["notification"]))
            return
        if entry["reply"] is None:
            return
        reply = json.loads(entry["reply"])
        if entry["request"] is None:
            self.refused(where, reply)
            return
        try:
            request = json.loads(entry["request"])
        except (ValueError, RecursionError):
            self.refused(where, reply)
            return
        if isinstance(request, list) and isinstance(reply, list):
            asked = [item for item in request if not self.is_notification(item)]
            self.report.expect(len(asked) == len(reply), where, "replies are missing in a batch")
            for one, answer in zip(asked, reply):
                self.pair(where, one, answer)
        else:
            self.pair(where, request, reply)

    @staticmethod
    def is_notification(item):
        return isinstance(item, dict) and item.get("jsonrpc") == "2.0" and "id" not in item \
            and isinstance(item.get("method"), str) and isinstance(item.get("params", {}), dict) \
            and set(item) <= {"jsonrpc", "method", "params"}

    def pair(self, where, request, reply):
        self.pairs += 1
        code = reply.get("error", {}).get("code")
        if code is not None:
            self.refused(where, reply)
            return
        self.methods.add(request["method"])
        check_pair(self.schemas, self.report, where, request, reply)

    def notification(self, where, line):
        topic = line.get("params", {}).get("topic")
        self.topics.add(topic)
        for error in self.schemas.common_errors("notify", line):
            self.report.expect(False, where, f"notification {error}")
        if topic in NOTIFIED and "data" in line["params"]:
            for error in self.schemas.common_errors(NOTIFIED[topic], line["params"]["data"]):
                self.report.expect(False, where, f"{topic} {error}")
        self.report.count += 2

    def refused(self, where, reply):
        self.codes.add(reply.get("error", {}).get("code"))
        for error in self.schemas.common_errors("error", reply.get("error")):
            self.report.expect(False, where, f"error {error}")
        self.report.count += 1

    def end(self):
        for method in self.schemas.methods:
            self.report.expect(method in self.methods, method, "never answered in the test run")
        for code, message, _ in build.ERRORS:
            if code not in NOT_FROM_OUTSIDE:
                self.report.expect(
                    code in self.codes, f"{code} {message}", "never answered in the test run")
        for topic in NOTIFIED:
            self.report.expect(topic in self.topics, topic, "no notification in the test run")
        print(
            f"traffic: {self.pairs} requests, {len(self.methods)} methods, "
            f"{len(self.codes)} error codes")


def check_traffic(schemas, report, path):
    traffic = Traffic(schemas, report)
    with open(path, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            traffic.line(f"{path}:{number}", json.loads(line))
    traffic.end()


def main():
    schemas = Schemas()
    report = Report()
    check_schemas(schemas, report)
    check_valid_examples(schemas, report)
    check_invalid_examples(schemas, report)
    check_sessions(report)
    check_documents(schemas, report)
    if len(sys.argv) > 1:
        check_traffic(schemas, report, sys.argv[1])
    sys.exit(report.end())


if __name__ == "__main__":
    main()
