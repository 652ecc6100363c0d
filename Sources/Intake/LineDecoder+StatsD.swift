internal import QuipuModel

extension LineDecoder {
    /// A line of a datagram that is not JSON.
    mutating func decodeStatsD(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        let plain = PlainLine(line)
        if let plain, takeKnown(plain, origin) {
            // Done.
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

    /// Takes up a line of a shape that has been seen in this batch; false for any other.
    @inline(__always)
    mutating func takeKnown(_ line: PlainLine, _ origin: Origin) -> Bool {
        guard let known = shapes.find(line) else { return false }
        metrics.add(
            line.value, weight: known.weight, to: Int(known.series), type: known.type,
            at: origin.arrival)
        builder.countMetricLine()
        return true
    }

    /// Remembers what the line that was just taken up meant, where its number alone may change.
    private mutating func remember(_ line: PlainLine) {
        guard statsd.bits.count == 1, statsd.seconds == 0 else { return }
        let bit = statsd.bits[0]
        guard bit.values.count == 1, bit.type != .set else { return }
        shapes.remember(
            line,
            LineShapes.Meaning(
                series: Int32(bit.series), type: bit.type, weight: bit.weight))
    }

    /// Nil when all of the line's samples have been taken up; otherwise none of them has.
    private mutating func takeSamples(_ line: Bytes, _ origin: Origin) -> RejectReason? {
        if let reason = statsd.parse(line) { return reason }
        if let reason = findSeries() { return reason }
        let isRelative = origin.dialect == .statsd && !statsd.isDogStatsD
        for place in statsd.bits.indices {
            let bit = statsd.bits[place]
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

    /// The series of each of the line's bits. Nil when all of them have one.
    private mutating func findSeries() -> RejectReason? {
        let keepsOrigin = keepsOrigin && !statsd.origin.isEmpty
        if keepsOrigin { statsd.origin.write(after: statsd.tags, to: &tagText) }
        return tagText.withUnsafeBytes { withOrigin in
            let tags = keepsOrigin ? withOrigin : statsd.tags
            for index in statsd.bits.indices {
                let type = statsd.bits[index].type
                switch metrics.series(name: statsd.name, type: type, tags: tags, &builder) {
                case .success(let series): statsd.bits[index].series = series
                case .failure(let rejected): return rejected.reason
                }
            }
            return nil
        }
    }
}
