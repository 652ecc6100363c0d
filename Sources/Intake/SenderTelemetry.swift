internal import QuipuModel
internal import Sketches

/// What clients count about themselves. Datadog's clients send these counters with the metrics of
/// their users; they are kept apart from these, under a name of our own.
enum SenderTelemetry {
    private static let datadogPrefix: StaticString = "datadog.dogstatsd.client."
    static let prefix: StaticString = "quipu.senders."

    /// Appends a series' name, a client's own in the place for these.
    static func appendName(_ name: Bytes, _ builder: inout BatchBuilder) -> Slice {
        let start = datadogPrefix.utf8CodeUnitCount
        guard name.hasPrefix(datadogPrefix), name.count > start else {
            return builder.append(name, to: .name)
        }
        let own = builder.append(Bytes(prefix))
        let rest = builder.append(name.part(start, name.count))
        return Slice(
            offset: own.range.lowerBound, count: rest.range.upperBound - own.range.lowerBound)
    }
}

extension DecodedBatch {
    /// Adds up what clients say of themselves.
    mutating func countSenders() {
        guard !series.isEmpty else { return }
        bytes.withUnsafeBytes { bytes in
            for delta in rollups {
                let key = series[delta.series]
                let name = bytes.part(key.name.range.lowerBound, key.name.range.upperBound)
                guard name.hasPrefix(SenderTelemetry.prefix), key.type == .counter else { continue }
                let rest = name.part(SenderTelemetry.prefix.utf8CodeUnitCount, name.count)
                let sum = delta.rollup.sum
                senders.add(String(decoding: rest, as: UTF8.self), Int64(exactly: sum.rounded()))
            }
        }
    }
}
