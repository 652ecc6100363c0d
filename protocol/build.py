#!/usr/bin/env python3
"""Assembles what follows from protocol/schemas: the two OpenRPC documents, and the one that `rpc.discover`
answers as a Swift literal. Standard library only. `--check` writes nothing and fails where a file is stale.
"""

import json
import pathlib
import re
import sys

PROTOCOL = pathlib.Path(__file__).resolve().parent
REPOSITORY = PROTOCOL.parent
SWIFT = REPOSITORY / "Sources/QuipuProtocol/OpenRPCDocument.swift"

# The order in which people meet them; the rest would follow by name.
ORDER = [
    "rpc.discover", "health", "stats", "ledger", "events.query", "events.summary",
    "sessions.list", "sessions.get", "tools.stats", "errors.list", "files.list", "metrics.list",
    "metrics.query", "costs.summary", "costs.blocks", "costs.reconcile", "limits.list",
    "limits.set", "limits.check", "prices.list", "prices.set", "tasks.list", "tasks.get",
    "tasks.activity", "tasks.put", "documents.list", "documents.get", "documents.search",
    "documents.put", "documents.delete", "overview", "sql", "subscribe", "unsubscribe",
    "admin.retention", "admin.backup",
    "admin.persistence", "admin.flush", "ingest.open", "ingest.batch", "ingest.skip",
]

ERRORS = [
    (-32700, "Parse error", "the line is not JSON"),
    (-32600, "Invalid request", "the envelope is wrong"),
    (-32601, "Method not found", "no such method"),
    (-32602, "Invalid params", "a parameter is wrong; data.path names it"),
    (-32603, "Internal error", "a fault of the daemon"),
    (-32000, "Overloaded", "too many connections or requests; try again later"),
    (-32001, "Not found", "what was asked for does not exist"),
    (-32002, "Denied", "the caller may not do this"),
    (-32003, "Limit exceeded", "more than a bound allows; data.hint says which"),
    (-32004, "Timeout", "the query took longer than 5 s"),
    (-32005, "Unavailable", "the database cannot answer"),
    (-32006, "Too large", "the request or the reply is too large"),
]


def load(name):
    return json.loads((PROTOCOL / "schemas" / f"{name}.json").read_text(encoding="utf-8"))


def methods():
    """All schemas but the common one, by method, in a reader's order."""
    names = {path.stem for path in (PROTOCOL / "schemas").glob("*.json")} - {"common"}
    known = [name for name in ORDER if name in names]
    return {name: load(name) for name in known + sorted(names - set(known))}


def local(value):
    """References into common.json as references into the document's own components."""
    if isinstance(value, list):
        return [local(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: item.replace("common.json#/$defs/", "#/components/schemas/")
        if key == "$ref" else local(item)
        for key, item in value.items()
    }


def referenced(value, found):
    """The names of all components that a value needs, through any depth."""
    definitions = load("common")["$defs"]
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(value)):
        if name not in found:
            found.add(name)
            referenced(local(definitions[name]), found)
    return found


def method(name, schema):
    params = schema["params"]
    required = params.get("required", [])
    return {
        "name": name,
        "summary": schema["summary"],
        "paramStructure": "by-name",
        "params": [
            {"name": key, "required": key in required, "schema": local(value)}
            for key, value in params["properties"].items()
        ],
        "result": {"name": "result", "schema": local(schema["result"])},
    }


def document(title, description, selected, components):
    body = [method(name, schema) for name, schema in selected.items()]
    definitions = load("common")["$defs"]
    used = referenced([body, local({name: definitions[name] for name in components})], set())
    used |= set(components)
    return {
        "openrpc": "1.3.2",
        "info": {
            "title": title,
            "version": version(),
            "description": description,
            "license": {"name": "Apache-2.0"},
        },
        "methods": body,
        "components": {
            "schemas": {
                name: local(schema) for name, schema in definitions.items() if name in used
            },
            "errors": {
                re.sub(r"\W", "_", message.lower()):
                    {"code": code, "message": message, "data": meaning}
                for code, message, meaning in ERRORS
            },
        },
    }


def version():
    text = (REPOSITORY / "Sources/QuipuModel/Version.swift").read_text(encoding="utf-8")
    return re.search(r'"([\d.]+)"', text).group(1)


def outputs():
    """Each file to write, and its text."""
    all_methods = methods()
    query = {n: s for n, s in all_methods.items() if not n.startswith("ingest.")}
    ingest = {n: s for n, s in all_methods.items() if n.startswith("ingest.")}
    asked = document(
        "Quipu query.sock",
        "JSON-RPC 2.0, one object a line. protocol/README.md says the rest.", query,
        ["notify", "error", "metric_change", "spend_alert"])
    sent = document(
        "Quipu ingest.sock",
        "JSON-RPC 2.0 lines from agents, raw bytes behind them. protocol/ingest.md says the rest.",
        ingest, ["error"])
    compact = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
    return {
        PROTOCOL / "openrpc.json": pretty(asked),
        PROTOCOL / "ingest-openrpc.json": pretty(sent),
        SWIFT: swift(compact),
    }


def pretty(value):
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def swift(text):
    """A raw multi-line literal; its lines are joined where a backslash ends them."""
    assert '"""#' not in text and "\\#" not in text
    lines = []
    while text:
        cut = text.rfind(",", 0, 90) + 1 if len(text) > 90 else len(text)
        cut = cut or 90
        lines.append("        " + text[:cut] + ("\\#" if cut < len(text) else ""))
        text = text[cut:]
    return "\n".join([
        "/// What `rpc.discover` answers. Written by protocol/build.py from protocol/schemas.",
        "public enum OpenRPCDocument {",
        "    /// JSON, as one line.",
        "    public static let text = #\"\"\"",
        *lines,
        "        \"\"\"#",
        "}",
        "",
    ])


def stale():
    """The files that do not hold what they should."""
    return [
        path for path, text in outputs().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main():
    if "--check" in sys.argv[1:]:
        for path in (paths := stale()):
            print(f"{path.relative_to(REPOSITORY)} is stale; run protocol/build.py")
        sys.exit(1 if paths else 0)
    for path, text in outputs().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
