import Foundation
import QuipuClient
import QuipuProtocol
import TestSupport
import Testing

/// Swift programs that send through `QuipuClient` and `QuipuMetrics`, against the real agent.
@Suite(.serialized) struct ClientLibraryTests {
    private func total(_ metric: String, _ aggregate: String, _ rig: Rig) -> Double {
        let reply = try? rig.ask(
            "metrics.query",
            ["metric": .string(metric), "aggregate": .string(aggregate), "step": "1d"])
        let points = reply?["series"]?.array?.first?["points"]?[aggregate]?.array ?? []
        return points.compactMap { $0.array?.last?.double }.reduce(0, +)
    }

    @Test func theExampleTellsWhatItDid() throws {
        let rig = try Rig()
        try rig.start()
        let done = try Program.run("metrics-example", [rig.metricsSocket, "500"])
        #expect(done.output == "recorded 2501, sent 2501, dropped 0\n", "\(done.errors)")
        try rig.waitForLines(2_501)
        #expect(total("example.requests", "sum", rig) == 500)
        #expect(total("example.diagram_bytes", "count", rig) == 500)
        #expect(total("example.render", "count", rig) == 500)
        #expect(total("example.waiting", "last", rig) == 0)
        let series = try rig.ask("metrics.list")["series"]?.array ?? []
        let requests = series.first { $0["name"] == "example.requests" }
        #expect(requests?["tags"] == ["route": "/diagrams"])
        let event = try rig.allEvents().first
        #expect(event?["kind"] == "generation" && event?["status"] == "ok")
        #expect(event?["attributes"]?["rounds"] == 500)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }

    @Test func aRestartOfTheAgentLosesNothing() throws {
        let rig = try Rig()
        try rig.start()
        let sender = try BackgroundSender(path: rig.metricsSocket)
        let counter = sender.counter("restarts.counter", tags: [("a", "b")])
        let (rounds, each) = (3, 3_000)
        for _ in 0..<rounds {
            for _ in 0..<each { counter.increment() }
            #expect(sender.flush(milliseconds: 60_000))
            #expect(rig.agent?.stop() == 0)
            // Nobody there: kept until somebody is.
            for _ in 0..<each { counter.increment() }
            try rig.startAgent()
        }
        #expect(sender.flush(milliseconds: 60_000))
        let sent = Double(2 * rounds * each)
        #expect(sender.figures.dropped == 0)
        try rig.waitUntil("all is counted") { total("restarts.counter", "sum", rig) == sent }
        #expect(total("restarts.counter", "count", rig) == sent)
    }

    @Test func dropsAreKnownToTheDaemon() throws {
        let rig = try Rig()
        var options = BackgroundSender.Options()
        options.bufferBytes = 2_048
        let sender = try BackgroundSender(path: rig.metricsSocket, options: options)
        let counter = sender.counter("dropped.counter")
        for _ in 0..<2_000 { counter.increment() }
        try rig.start()
        try rig.waitUntil("stats know") {
            let told = (try? rig.ask("stats"))?["senders"]?["lines_dropped"]
            return told == .int(Int64(sender.figures.dropped))
        }
        let dropped = Int64(sender.figures.dropped)
        #expect(dropped > 0)
        let kept = Double(2_000 - dropped)
        try rig.waitUntil("the rest is stored") { total("dropped.counter", "sum", rig) == kept }
    }

    @Test(arguments: [("statsd", 2.0), ("dogstatsd", -3.0)])
    func signsOfGaugesAreTheListeners(dialect: String, last: Double) throws {
        let rig = try Rig()
        try rig.startDaemon()
        try rig.startAgent(environment: ["QUIPU_METRICS_DIALECT": dialect])
        // By one socket each: only then are they in order.
        try rig.send("level:5|g\nlevel:-3|g")
        try rig.send("tagged:5|g|#a:b\ntagged:-3|g|#a:b")
        let sender = try BackgroundSender(path: rig.metricsSocket)
        sender.gauge("own").set(-4)
        try rig.waitForLines(5)
        #expect(total("level", "last", rig) == last)
        #expect(total("tagged", "last", rig) == -3)
        #expect(total("own", "last", rig) == -4)
    }

    @Test(arguments: [false, true]) func originIsKeptWhereConfigured(isKept: Bool) throws {
        let rig = try Rig()
        try rig.startDaemon(environment: ["QUIPU_METRICS_ORIGIN_TAGS": "\(isKept)"])
        try rig.startAgent()
        try rig.send("a:1|c|#x:y|c:ci-1|e:it-false,cn-web|card:low")
        try rig.waitForLines(1)
        let tags = try rig.ask("metrics.list")["series"]?.array?.first?["tags"]
        let origin: JSON = [
            "cardinality": "low", "container_id": "ci-1", "external_data": "it-false_cn-web",
            "x": "y",
        ]
        #expect(tags == (isKept ? origin : ["x": "y"]))
    }
}
