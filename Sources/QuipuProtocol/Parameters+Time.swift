public import QuipuModel

extension Parameters {
    /// How far back a question looks that names no `since`.
    public static let sinceDefaultSeconds: Int64 = 24 * 3_600

    /// `since` and `until`. Without `since`: the last 24 hours. Without `until`: no end, so that
    /// records whose clocks run ahead are seen too.
    public mutating func timeRange() throws(RPCError) -> TimeRange {
        let since =
            try time("since")
            ?? Timestamp(
                microseconds: now.microseconds - Parameters.sinceDefaultSeconds * 1_000_000)
        let givenUntil = try time("until")
        let until = givenUntil ?? max(.latest, since)
        guard since <= until else {
            throw .invalid(
                "until", "before since (\(since.rfc3339)); without since, the last 24 hours count")
        }
        return TimeRange(since: since, until: until)
    }

    /// A moment: RFC 3339, Unix seconds, or a span back from now.
    public mutating func time(_ name: String) throws(RPCError) -> Timestamp? {
        guard let value = value(name) else { return nil }
        let hint = "a time as RFC 3339 text, Unix seconds, or a span back from now such as \"24h\""
        switch value {
        case .int, .double:
            guard let moment = value.double.flatMap(Timestamp.init(unixSeconds:)) else {
                throw .invalid(name, "Unix seconds of the years 1 to 9999")
            }
            return moment
        case .string(let text):
            if let seconds = Span.seconds(text) {
                let moment = now.microseconds - seconds * 1_000_000
                return max(Timestamp(microseconds: moment), .earliest)
            }
            guard let moment = Timestamp(rfc3339: text) else { throw .invalid(name, hint) }
            return moment
        default: throw .invalid(name, hint)
        }
    }

    /// The length of one step in seconds, a multiple of the rollups' 10 s: a span or a number of
    /// seconds.
    mutating func step(over range: TimeRange) throws(RPCError) -> Int64 {
        let rangeSeconds = max(
            1, (range.until.microseconds - range.since.microseconds) / 1_000_000)
        guard let value = value("step") else { return Span.niceStep(overSeconds: rangeSeconds) }
        guard let step = value.int ?? value.string.flatMap(Span.seconds) else {
            throw .invalid("step", "a span such as \"5m\", or a number of seconds")
        }
        guard step >= Limits.rollupSeconds, step % Limits.rollupSeconds == 0 else {
            throw .invalid("step", "a multiple of \(Limits.rollupSeconds) seconds")
        }
        guard step <= Span.secondsMax else {
            throw .invalid("step", "at most \(Span.secondsMax) seconds")
        }
        guard rangeSeconds / step <= Int64(Limits.pointsPerSeriesMax) else {
            throw RPCError(
                .limitExceeded, path: "step",
                hint: "more than \(Limits.pointsPerSeriesMax) points; take a longer step")
        }
        return step
    }
}

/// Spans of time as people write them: `90s`, `15m`, `24h`, `7d`, `4w`.
public enum Span {
    /// Longest span that is read: 10,000 years or so, far from overflow in microseconds.
    static let secondsMax: Int64 = 315_576_000_000

    /// Nil when the text is no span.
    public static func seconds(_ text: String) -> Int64? {
        let unit: Int64
        switch text.last {
        case "s": unit = 1
        case "m": unit = 60
        case "h": unit = 3_600
        case "d": unit = 86_400
        case "w": unit = 7 * 86_400
        default: return nil
        }
        let number = text.dropLast()
        guard !number.isEmpty, number.utf8.allSatisfy({ (48...57).contains($0) }),
            let count = Int64(number)
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow || seconds > secondsMax ? nil : seconds
    }

    /// The shortest step in the series people expect that keeps a chart within
    /// `Limits.pointsPerSeriesDefault` points.
    public static func niceStep(overSeconds range: Int64) -> Int64 {
        let steps: [Int64] = [
            10, 30, 60, 300, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 28 * 86_400,
        ]
        let pointsMax = Int64(Limits.pointsPerSeriesDefault)
        if let step = steps.first(where: { range <= $0 * pointsMax }) { return step }
        // Centuries: whole weeks.
        let week: Int64 = 7 * 86_400
        return (range / pointsMax / week + 1) * week
    }
}

extension Timestamp {
    /// Nil beyond what RFC 3339 can name.
    public init?(unixSeconds seconds: Double) {
        guard seconds.isFinite, abs(seconds) < 1e12 else { return nil }
        let moment = Timestamp(microseconds: Int64((seconds * 1e6).rounded()))
        guard moment >= .earliest, moment <= .latest else { return nil }
        self = moment
    }
}
