internal import QuipuModel

extension LineDecoder {
    /// A line of a datagram that is not JSON.
    mutating func decodeStatsD(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        let plain = PlainLine(line)
        if let plain, let known = shapes.find(plain) {
            metrics.add(
                plain.value, weight: known.weight, to: Int(known.series), type: known.type,
                at: origin.arrival)
            builder.countMetricLine()
        } else if line.hasPrefix("_e{") {
            decodeStatsDEvent(line, at: offset, origin)
        } else if line.hasPrefix("_sc|") {
            decodeServiceCheck(line, at: offset, origin)
        } else if let reason = takeSamples(line, origin) {
            builder.reject(line, at: offset, reason)
        } else {
            builder.countMetricLine()
            if let plain { remember(plain) }
        }
    }

    /// Remembers what the line that was just taken up meant, where its number alone may change.
    private mutating func remember(_ line: PlainLine) {
        guard statsd.bits.count == 1, let bit = statsd.bits.first, bit.values.count == 1,
            bit.type != .set, statsd.seconds == 0
        else { return }
        shapes.remember(
            line,
            LineShapes.Meaning(
                series: Int32(bit.series), type: bit.type, weight: bit.weight))
    }

    /// Nil when all of the line's samples have been taken up; otherwise none of them has.
    private mutating func takeSamples(_ line: Bytes, _ origin: Origin) -> RejectReason? {
        if let reason = statsd.parse(line) { return reason }
        if takeTelemetry() { return nil }
        for index in statsd.bits.indices {
            switch metrics.series(
                name: statsd.name, type: statsd.bits[index].type, tags: statsd.tags, &builder)
            {
            case .success(let series): statsd.bits[index].series = series
            case .failure(let rejected): return rejected.reason
            }
        }
        let isRelative = origin.dialect == .statsd && !statsd.isDogStatsD
        for bit in statsd.bits {
            // Only counters and gauges may say when they were measured.
            let hasOwnTime =
                statsd.seconds > 0 && (bit.type == .counter || bit.type == .gauge)
            let time = hasOwnTime ? Timestamp.seconds(Int64(statsd.seconds)) : origin.arrival
            if bit.type == .set {
                metrics.addMember(bit.member, to: bit.series, at: time)
            }
            for index in bit.values {
                let value = statsd.values[index]
                if isRelative, value.isSigned, bit.type == .gauge {
                    metrics.change(by: value.number, series: bit.series, at: time)
                } else {
                    metrics.add(
                        value.number, weight: bit.weight, to: bit.series, type: bit.type, at: time,
                        hasOwnTime: hasOwnTime)
                }
            }
        }
        return nil
    }

    /// What a client tells of itself; more than these it need not.
    private static let telemetry:
        [(word: StaticString, path: any WritableKeyPath<SenderReport, Double> & Sendable)] = [
            ("metrics", \.metrics), ("events", \.events), ("service_checks", \.serviceChecks),
            ("packets_sent", \.packetsSent), ("packets_dropped", \.packetsDropped),
            ("bytes_sent", \.bytesSent), ("bytes_dropped", \.bytesDropped),
        ]

    /// Takes up what a client tells of itself. False for everybody's metrics.
    private mutating func takeTelemetry() -> Bool {
        let name = statsd.name
        guard name.hasPrefix("datadog.dogstatsd.client.") else { return false }
        let word = name.part("datadog.dogstatsd.client.".utf8.count, name.count)
        if let figure = Self.telemetry.first(where: { word.equals($0.word) }) {
            builder.batch.senders[keyPath: figure.path] +=
                statsd.values.reduce(0) { $0 + $1.number }
        }
        // So that the line is not remembered as one of a series.
        statsd.bits.removeAll(keepingCapacity: true)
        return true
    }
}
