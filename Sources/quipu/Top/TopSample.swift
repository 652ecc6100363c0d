import Platform
import QuipuClient
import QuipuModel
import QuipuProtocol

/// What the daemon said of itself at one moment.
struct TopSample: Sendable, Equatable {
    /// Of the monotonic clock.
    var microseconds: Int64
    var time: Timestamp
    /// By method. One that was refused is missing here and has its reason in `refusals`.
    var answers: [QuipuProtocol.Method: JSON] = [:]
    var refusals: [QuipuProtocol.Method: String] = [:]

    subscript(_ method: QuipuProtocol.Method) -> JSON { answers[method] ?? .null }

    private static let questions: [(method: QuipuProtocol.Method, params: JSON)] = [
        (.health, [:]), (.stats, [:]), (.ledger, ["limit": 1_000]),
        (.toolsStats, ["since": "1h", "limit": 1_000]),
        (.sessionsList, ["since": "30m", "limit": 100]),
        (.errorsList, ["since": "24h", "limit": 50]),
    ]

    /// Asks for all of it.
    static func take(asking client: inout Client) throws(ClientError) -> TopSample {
        var sample = TopSample(microseconds: 0, time: .now)
        for (method, params) in questions {
            do throws(ClientError) {
                sample.answers[method] = try client.call(method, params)
            } catch .refused(let error) {
                sample.refusals[method] = error.sentence
            }
        }
        // Between the answers that rates are made of and the next ones, not the next questions.
        sample.microseconds = MonotonicClock.microseconds()
        sample.time = .now
        return sample
    }

    /// For `--json`: the answers under the names of their methods.
    var json: JSON {
        .object(
            TopSample.questions.map { JSON.Member($0.method.rawValue, self[$0.method]) })
    }
}

/// What the counters did between two samples, a second.
struct TopRates: Sendable, Equatable {
    var events: Double
    var metrics: Double
    var batches: Double
    var lines: Double
    var bytes: Double

    /// Nil where the counters are not of one daemon, or one of them is not known.
    init?(from before: TopSample, to after: TopSample) {
        let seconds = Double(after.microseconds - before.microseconds) / 1e6
        guard seconds > 0, let earlier = Counters(before), let later = Counters(after),
            later.uptimeSeconds >= earlier.uptimeSeconds, later.batches >= earlier.batches
        else { return nil }
        // Retention takes from what is stored; nothing comes in at less than 0.
        func rate(_ count: Double) -> Double { max(0, count / seconds) }
        let events = later.events - earlier.events
        self.events = rate(events)
        metrics = rate(later.records - earlier.records - max(0, events))
        batches = rate(later.batches - earlier.batches)
        lines = rate(later.lines - earlier.lines)
        bytes = rate(later.bytes - earlier.bytes)
    }

    private struct Counters {
        var uptimeSeconds, events, records, batches, lines, bytes: Double

        init?(_ sample: TopSample) {
            let (stats, ingest) = (sample[.stats], sample[.stats]["ingest"])
            guard let uptime = stats["uptime_s"]?.double,
                let events = stats["stored"]?["events"]?.double,
                let records = sample[.ledger]["total"]?["stored"]?.double,
                let batches = ingest?["batches"]?.double, let lines = ingest?["lines"]?.double,
                let bytes = ingest?["bytes"]?.double
            else { return nil }
            (uptimeSeconds, self.events, self.records) = (uptime, events, records)
            (self.batches, self.lines, self.bytes) = (batches, lines, bytes)
        }
    }
}
