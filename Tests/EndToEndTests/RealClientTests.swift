import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// Clients that nobody here wrote: what each of them sent is what is stored, sample by sample.
@Suite(.serialized) struct RealClientTests {
    private static let tools = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Tools").path
    /// The one that Scripts/deps made.
    private static let python = URL(fileURLWithPath: tools).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/python/bin/python3").path

    enum Transport: Sendable { case datagram, stream, udp }

    static let scenarios: [(name: String, transport: Transport)] = [
        ("datadog-gram", .datagram), ("datadog-gram-buffered", .datagram),
        ("datadog-gram-aggregated", .datagram),
        ("datadog-gram-buffered-aggregated", .datagram),
        ("datadog-udp", .udp), ("datadog-stream", .stream), ("datadog-stream-buffered", .stream),
        ("datadog-stream-buffered-aggregated", .stream),
        ("statsd-udp", .udp), ("statsd-udp-pipelined", .udp),
        ("statsd-stream", .stream), ("statsd-stream-pipelined", .stream),
        ("swift-statsd", .udp),
    ]

    @Test(arguments: scenarios)
    func whatWasSentIsStored(scenario: String, transport: Transport) throws {
        let rig = try Rig()
        let port = try FreePort.udp()
        try rig.startDaemon()
        // Datadog's clients set their gauges; the others may change them.
        let dialect = scenario.hasPrefix("datadog") ? "dogstatsd" : "statsd"
        try rig.startAgent(
            ["--udp", "127.0.0.1:\(port)"],
            environment: ["QUIPU_METRICS_DIALECT": dialect, "QUIPU_UDP_DIALECT": dialect])
        let address =
            switch transport {
            case .datagram: rig.metricsSocket
            case .stream: rig.statsdSocket
            case .udp: "127.0.0.1:\(port)"
            }
        try check(try run(scenario, address), rig)
    }

    @Test func whatAClientDroppedIsKnown() throws {
        let rig = try Rig()
        try rig.start()
        let expected = try run("telemetry", rig.metricsSocket)
        try check(expected, rig)
        let counted = try #require(expected["client"]?.members)
        #expect(counted.contains { $0.name == "packets_dropped" && $0.value == 5 })
        try rig.waitUntil("stats know") {
            (try? rig.ask("stats"))?["senders"]?["packets_dropped"] == 5
        }
        let senders = try rig.ask("stats")["senders"]
        for count in counted { #expect(senders?[count.name] == count.value, "\(count.name)") }
        #expect(senders?["lines_dropped"] == 0)
    }

    /// As people type it.
    @Test func shellsNeedNoClient() throws {
        let rig = try Rig()
        let port = try FreePort.udp()
        try rig.startDaemon()
        try rig.startAgent(["--udp", "127.0.0.1:\(port)"])
        let lines = [
            "echo 'shell.a:1|c' | socat - UNIX-SENDTO:$METRICS",
            "printf 'shell.a:2|c' | socat - UNIX-SENDTO:$METRICS",
            "printf 'shell.a:3|c\\r\\nshell.a:4|c\\r\\n' | socat - UNIX-SENDTO:$METRICS",
            "seq 1 200 | sed 's/.*/shell.b:&|ms/' | socat - UNIX-CONNECT:$STATSD",
            "printf 'shell.a:5|c\\nshell.a:6|c' | socat - UNIX-CONNECT:$STATSD",
            "echo 'shell.a:7|c' | socat - UDP4-SENDTO:127.0.0.1:$PORT",
            "echo 'shell.a:8|c' > /dev/udp/127.0.0.1/$PORT",
            "\(Program.directory)/quipu send shell.a:9\\|c 'shell.gauge:-5|g|#host:x'",
            #"echo '{"metric":"shell.gauge","type":"gauge","value":-7,"tags":{"host":"y"}}'"#
                + " | \(Program.directory)/quipu send -",
        ]
        for line in lines {
            let done = try Program.run(
                "/bin/bash", ["-c", line],
                environment: [
                    "METRICS": rig.metricsSocket, "STATSD": rig.statsdSocket,
                    "PORT": "\(port)", "QUIPU_RUNTIME_DIR": rig.runtime,
                ])
            #expect(done.status == 0, "\(line): \(done.errors)")
        }
        let expected: JSON = [
            "series": [
                series("counter", "shell.a", sum: 45, count: 9),
                series("timer", "shell.b", sum: 20_100, count: 200),
                series("gauge", "shell.gauge", tags: ["host": "x"], sum: -5, count: 1),
                series("gauge", "shell.gauge", tags: ["host": "y"], sum: -7, count: 1),
            ], "events": [],
        ]
        try check(expected, rig)
    }

    private func series(
        _ type: JSON, _ name: JSON, tags: JSON = [:], sum: JSON, count: JSON
    ) -> JSON {
        ["type": type, "name": name, "tags": tags, "holds": ["sum": sum, "count": count]]
    }

    // MARK: Comparing

    private func run(_ scenario: String, _ address: String) throws -> JSON {
        let done = try Program.run(
            Self.python, [Self.tools + "/metric-clients", scenario, address])
        #expect(done.status == 0, "\(done.errors)")
        return try JSON.parse(done.output.utf8)
    }

    /// Waits until all that is expected is stored, and compares everything that is.
    private func check(_ expected: JSON, _ rig: Rig) throws {
        let wanted = try #require(expected["series"]?.array)
        #expect(!wanted.isEmpty)
        try? rig.waitUntil("everything is stored") {
            wanted.allSatisfy { (try? difference($0, rig)) == .some(nil) }
        }
        for one in wanted {
            let difference = try difference(one, rig)
            #expect(difference == nil)
        }
        func identity(_ series: JSON) -> String {
            "\(series["type"]?.text ?? "") \(series["name"]?.text ?? "") "
                + (series["tags"]?.members ?? []).map { "\($0.name)=\($0.value.text)" }.sorted()
                .joined(separator: " ")
        }
        let stored = try rig.ask("metrics.list", ["limit": 10_000, "since": "30d"])["series"]?.array
        let own = stored?.filter { $0["name"]?.string?.hasPrefix("quipu.") == false } ?? []
        #expect(Set(own.map(identity)) == Set(wanted.map(identity)))

        let events = try rig.allEvents().map { event -> JSON in
            [
                "kind": event["kind"] ?? .null, "name": event["name"] ?? .null,
                "status": event["status"] ?? .null,
            ]
        }
        #expect(events == expected["events"]?.array)
        let ledger = try rig.ask("ledger")
        #expect(ledger["balanced"] == true)
        #expect(ledger["total"]?["rejected"]?.members?.isEmpty == true)
        #expect(ledger["total"]?["lost"]?.members?.isEmpty == true)
    }

    /// What is stored otherwise than expected; nil when it is the same.
    private func difference(_ expected: JSON, _ rig: Rig) throws -> String? {
        let tags = expected["tags"]?.members ?? []
        let holds = expected["holds"]?.members ?? []
        var params = [
            JSON.Member("metric", expected["name"] ?? .null), JSON.Member("since", "30d"),
            JSON.Member("step", "1d"),
            JSON.Member("aggregate", .array(holds.map { .string($0.name) })),
        ]
        if !tags.isEmpty {
            params.append(JSON.Member("where", .object(tags)))
            params.append(
                JSON.Member("group_by", .array(tags.map { .string($0.name) })))
        }
        let found = try rig.ask("metrics.query", .object(params))["series"]?.array ?? []
        guard found.count == 1 else { return "\(expected.text): \(found.count) series" }
        for hold in holds {
            let points = found[0]["points"]?[hold.name]?.array ?? []
            let values = points.compactMap { $0.array?.last?.double }
            let value = hold.name == "last" ? values.last : values.reduce(0, +)
            let wanted = hold.value.double ?? .nan
            guard let value, abs(value - wanted) <= 1e-9 * max(abs(wanted), 1e-9) else {
                return "\(expected.text): \(hold.name) is \(value.map { "\($0)" } ?? "missing")"
            }
        }
        return nil
    }
}
