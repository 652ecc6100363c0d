// What one recorded metric costs its caller: `client-bench SOCKET [COUNT]`, one line of JSON.
//
// Each figure is the median over batches of 100, in nanoseconds a call. The floor beside it is one
// bare non-blocking send of the same line to the same socket. After each batch the program sleeps
// for a millisecond: some 100,000 metrics a second, which two cores can take to the database.

import CoreMetrics
import Platform
import QuipuClient
import QuipuMetrics

let arguments = CommandLine.arguments
let path = arguments.count > 1 ? arguments[1] : "/run/quipu/metrics.sock"
let count = arguments.count > 2 ? Int(arguments[2]) ?? 200_000 : 200_000
let batch = 100

let sender = try BackgroundSender(path: path)
MetricsSystem.bootstrap(QuipuMetricsFactory(sender))
let tags = [("route", "/login"), ("region", "eu")]
let counter = sender.counter("bench.requests", tags: tags)
let timer = sender.timer("bench.latency", tags: tags)
let gauge = sender.gauge("bench.depth", tags: tags)
let viaMetrics = CoreMetrics.Counter(label: "bench.metrics", dimensions: tags)

var value: Int64 = 0
let figures: [(String, Double, Double)] = [
    measured("counter") { counter.increment() },
    measured("timer") {
        value += 1_234
        timer.record(nanoseconds: value)
    },
    measured("gauge_double") {
        value += 1
        gauge.set(Double(value) * 0.25)
    },
    measured("swift_metrics_counter") { viaMetrics.increment() },
    try bareSend("bench.requests:1|c|#route:/login,region:eu"),
]
sender.flush(milliseconds: 5_000)

let parts = figures.map { "\"\($0.0)\":{\"p50_ns\":\($0.1),\"p99_ns\":\($0.2)}" }
let sent = sender.figures
print("{\(parts.joined(separator: ",")),\"dropped\":\(sent.dropped),\"waiting\":\(sent.waiting)}")

/// Nanoseconds a call, by batches: median and 99th percentile.
func measured(_ name: String, _ body: () -> Void) -> (String, Double, Double) {
    var times: [Double] = []
    guard var pauses = try? Poller(eventsPerWait: 1) else { return (name, .nan, .nan) }
    for _ in 0..<(count / batch) {
        let start = ContinuousClock.now
        for _ in 0..<batch { body() }
        let took = start.duration(to: .now).components.attoseconds
        times.append(Double(took) / 1e9 / Double(batch))
        try? pauses.wait(milliseconds: 1) { _ in }
    }
    times.sort()
    return (name, times[times.count / 2], times[times.count * 99 / 100])
}

/// What a program pays that sends each metric itself. Refused ones count: they cost the same.
func bareSend(_ line: String) throws -> (String, Double, Double) {
    let socket = try UnixSocket.connect(to: path, kind: .datagram, nonBlocking: true)
    let bytes = Array(line.utf8)
    return measured("bare_send") {
        bytes.withUnsafeBytes { _ = try? socket.send($0) }
    }
}
