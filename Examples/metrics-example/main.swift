// A program that tells Quipu what it does: `metrics-example SOCKET [ROUNDS]`.
//
// Libraries record through swift-metrics, which knows nothing of Quipu; the program chooses the
// backend once. Events go through the sender itself.

import Metrics
import QuipuClient
import QuipuMetrics
import QuipuModel
import QuipuProtocol

let arguments = CommandLine.arguments
guard arguments.count > 1 else {
    print("usage: metrics-example SOCKET [ROUNDS], such as /run/quipu/metrics.sock")
    throw Usage()
}
let rounds = arguments.count > 2 ? Int(arguments[2]) ?? 100 : 100

let sender = try BackgroundSender(path: arguments[1])
MetricsSystem.bootstrap(QuipuMetricsFactory(sender))

let requests = Counter(label: "example.requests", dimensions: [("route", "/diagrams")])
let sizes = Recorder(label: "example.diagram_bytes", dimensions: [("provider", "aws")])
let waiting = Meter(label: "example.waiting")
let took = Timer(label: "example.render", dimensions: [("provider", "aws")])

for round in 1...max(rounds, 1) {
    waiting.increment()
    let start = ContinuousClock.now
    sizes.record(draw(round))
    took.record(duration: start.duration(to: .now))
    requests.increment()
    waiting.decrement()
}

sender.event(
    "generation", name: "diagram", status: .ok, session: "example",
    attributes: ["provider": "aws", "rounds": .int(Int64(rounds))])

// The only moment that waits, and for a second at most.
sender.flush(milliseconds: 1_000)
let figures = sender.figures
print("recorded \(figures.recorded), sent \(figures.sent), dropped \(figures.dropped)")

/// Something to measure.
func draw(_ seed: Int) -> Int { (0..<200).reduce(seed) { ($0 &* 31 &+ $1) & 0xffff } }

struct Usage: Error {}
