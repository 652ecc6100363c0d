public import CoreMetrics
public import QuipuClient
import Synchronization

/// A backend for swift-metrics: what a program and its libraries record goes to quipu-agent, with
/// dimensions as tags.
///
///     let sender = try BackgroundSender(path: "/run/quipu/metrics.sock")
///     MetricsSystem.bootstrap(QuipuMetricsFactory(sender))
///     Counter(label: "app.requests", dimensions: [("route", "/login")]).increment()
///
/// Recording never waits and never throws; see `BackgroundSender` for what happens while no agent
/// runs. Each sample is sent, so that counts, sums and quantiles are those of all of them.
public final class QuipuMetricsFactory: MetricsFactory {
    private let sender: BackgroundSender
    /// By label and dimensions: increments from all over a program change one value.
    private let meters = Mutex<[String: MeterBackend]>([:])

    public init(_ sender: BackgroundSender) { self.sender = sender }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        CounterBackend(counter: sender.counter(label, tags: dimensions))
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        CounterBackend(counter: sender.counter(label, tags: dimensions))
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        let key = Self.key(label, dimensions)
        return meters.withLock { meters in
            if let known = meters[key] { return known }
            let made = MeterBackend(key: key, gauge: sender.gauge(label, tags: dimensions))
            meters[key] = made
            return made
        }
    }

    /// `aggregate` makes a histogram; without, the last value counts, as a gauge's does.
    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        aggregate
            ? HistogramBackend(histogram: sender.histogram(label, tags: dimensions))
            : GaugeBackend(gauge: sender.gauge(label, tags: dimensions))
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        TimerBackend(timer: sender.timer(label, tags: dimensions))
    }

    // Only meters are kept here; the others go with whoever holds them.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    public func destroyMeter(_ handler: any MeterHandler) {
        guard let meter = handler as? MeterBackend else { return }
        meters.withLock { if $0[meter.key] === meter { $0[meter.key] = nil } }
    }

    private static func key(_ label: String, _ dimensions: [(String, String)]) -> String {
        dimensions.reduce(label) { "\($0)\u{0}\($1.0)\u{0}\($1.1)" }
    }
}

/// Sends each increment. The daemon keeps counts by time, so there is no total to reset.
private final class CounterBackend: CounterHandler, FloatingPointCounterHandler {
    private let counter: BackgroundSender.Counter

    init(counter: BackgroundSender.Counter) { self.counter = counter }

    func increment(by amount: Int64) { counter.increment(by: Int(amount)) }
    func increment(by amount: Double) { counter.increment(by: amount) }
    func reset() {}
}

private final class HistogramBackend: RecorderHandler {
    private let histogram: BackgroundSender.Histogram

    init(histogram: BackgroundSender.Histogram) { self.histogram = histogram }

    func record(_ value: Int64) { histogram.record(Int(value)) }
    func record(_ value: Double) { histogram.record(value) }
}

private final class GaugeBackend: RecorderHandler {
    private let gauge: BackgroundSender.Gauge

    init(gauge: BackgroundSender.Gauge) { self.gauge = gauge }

    func record(_ value: Int64) { gauge.set(Int(value)) }
    func record(_ value: Double) { gauge.set(value) }
}

private final class TimerBackend: TimerHandler {
    private let timer: BackgroundSender.Timer

    init(timer: BackgroundSender.Timer) { self.timer = timer }

    func recordNanoseconds(_ duration: Int64) { timer.record(nanoseconds: duration) }
}

/// A gauge that knows its value, so that it can be changed as well as set.
private final class MeterBackend: MeterHandler {
    let key: String
    private let gauge: BackgroundSender.Gauge
    private let value = Mutex(0.0)

    init(key: String, gauge: BackgroundSender.Gauge) {
        self.key = key
        self.gauge = gauge
    }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { change { $0 = value } }
    func increment(by amount: Double) { change { $0 += amount } }
    func decrement(by amount: Double) { change { $0 -= amount } }

    /// Under the lock, so that values are sent in the order in which they came about.
    private func change(_ body: (inout Double) -> Void) {
        value.withLock { value in
            let before = value
            body(&value)
            if value.isFinite { gauge.set(value) } else { value = before }
        }
    }
}
