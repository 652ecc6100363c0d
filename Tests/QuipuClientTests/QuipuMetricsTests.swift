import CoreMetrics
import QuipuClient
import QuipuMetrics
import TestSupport
import Testing

@Suite struct QuipuMetricsTests {
    @Test func everyKindOfMetricHasItsLine() throws {
        let directory = try TemporaryDirectory()
        let agent = try AgentSocket(at: directory("metrics.sock"))
        let sender = try BackgroundSender(path: directory("metrics.sock"))
        let factory = QuipuMetricsFactory(sender)
        let tags = [("route", "/login"), ("region", "eu")]

        Counter(label: "hits", dimensions: tags, factory: factory).increment(by: 3)
        FloatingPointCounter(label: "cost", factory: factory).increment(by: 0.125)
        Recorder(label: "size", dimensions: tags, aggregate: true, factory: factory).record(-1.5)
        Recorder(label: "temperature", dimensions: [], aggregate: false, factory: factory)
            .record(-4)
        Gauge(label: "level", dimensions: tags, factory: factory).record(7)
        Timer(label: "took", dimensions: [], factory: factory).recordMicroseconds(1_500)
        #expect(sender.flush(milliseconds: 60_000))
        #expect(
            agent.waiting().joined().split(separator: "\n") == [
                "hits:3|c|#route:/login,region:eu", "cost:0.125|c",
                "size:-1.5|h|#route:/login,region:eu", "temperature:-4|g|#",
                "level:7|g|#route:/login,region:eu", "took:1.5|ms",
            ])
    }

    @Test func metersOfOneNameAreOneValue() throws {
        let directory = try TemporaryDirectory()
        let agent = try AgentSocket(at: directory("metrics.sock"))
        let sender = try BackgroundSender(path: directory("metrics.sock"))
        let factory = QuipuMetricsFactory(sender)

        let one = Meter(label: "open", dimensions: [("a", "b")], factory: factory)
        let same = Meter(label: "open", dimensions: [("a", "b")], factory: factory)
        let other = Meter(label: "open", dimensions: [], factory: factory)
        one.increment()
        same.increment(by: 2)
        one.decrement()
        other.decrement()
        one.increment(by: Double.infinity)
        one.set(9)
        one.destroy()
        Meter(label: "open", dimensions: [("a", "b")], factory: factory).increment()
        #expect(sender.flush(milliseconds: 60_000))
        #expect(
            agent.waiting().joined().split(separator: "\n") == [
                "open:1|g|#a:b", "open:3|g|#a:b", "open:2|g|#a:b", "open:-1|g|#",
                "open:9|g|#a:b", "open:1|g|#a:b",
            ])
    }
}
