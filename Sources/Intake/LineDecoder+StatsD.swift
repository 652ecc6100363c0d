internal import QuipuModel

extension LineDecoder {
    /// A line of a datagram that is not JSON.
    mutating func decodeStatsD(_ line: Bytes, at offset: UInt64, _ origin: Origin) {
        if line.hasPrefix("_e{") {
            decodeStatsDEvent(line, at: offset, origin)
        } else if line.hasPrefix("_sc|") {
            decodeServiceCheck(line, at: offset, origin)
        } else if let reason = takeSamples(line, origin) {
            builder.reject(line, at: offset, reason)
        } else {
            builder.countMetricLine()
        }
    }

    /// Nil when all of the line's samples have been taken up; otherwise none of them has.
    private mutating func takeSamples(_ line: Bytes, _ origin: Origin) -> RejectReason? {
        if let reason = statsd.parse(line) { return reason }
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
}
