import QuipuModel

/// One series as the two ends of its lines; between them stands the number.
final class SeriesLine: Sendable {
    private let head: [UInt8]
    private let tail: [UInt8]
    private let mailbox: Mailbox

    init(_ name: String, _ type: MetricType, _ tags: [(String, String)], _ mailbox: Mailbox) {
        head = SeriesText.name(name) + [UInt8(ascii: ":")]
        tail = SeriesText.tail(type, tags)
        self.mailbox = mailbox
    }

    @inline(__always)
    func record(_ value: Int64) {
        record(valueBytes: DecimalText.bytesMax) { DecimalText.write(value, to: $0) }
    }

    @inline(__always)
    func record(_ value: Double) {
        guard value.isFinite else { return mailbox.drop() }
        record(valueBytes: DecimalText.bytesMax) { DecimalText.write(value, to: $0) }
    }

    @inline(__always)
    func record(nanoseconds: Int64) {
        record(valueBytes: DecimalText.bytesMax) {
            DecimalText.write(nanoseconds: nanoseconds, to: $0)
        }
    }

    /// A set's member; what would end it becomes an underscore.
    func record(member: String) {
        let text = SeriesText.clean(member, except: .setMember, bytesMax: Limits.columnBytesMax)
        guard !text.isEmpty else { return mailbox.drop() }
        record(valueBytes: text.count) { place in
            text.withUnsafeBytes { place.copyMemory(from: $0) }
            return text.count
        }
    }

    @inline(__always)
    private func record(
        valueBytes: Int, _ write: (UnsafeMutableRawPointer) -> Int
    ) {
        head.withUnsafeBytes { head in
            tail.withUnsafeBytes { tail in
                _ = mailbox.append(lineBytes: head.count + valueBytes + tail.count) { place in
                    place.copyMemory(from: head)
                    let end = head.count + write(place + head.count)
                    (place + end).copyMemory(from: tail)
                    return end + tail.count
                }
            }
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Copies what is not empty.
    @inline(__always)
    func copyMemory(from bytes: UnsafeRawBufferPointer) {
        if let base = bytes.baseAddress { copyMemory(from: base, byteCount: bytes.count) }
    }
}

extension BackgroundSender {
    /// Counts how often something happened.
    public struct Counter: Sendable {
        let series: SeriesLine

        @inline(__always)
        public func increment(by amount: Int = 1) { series.record(Int64(amount)) }
        public func increment(by amount: Double) { series.record(amount) }
    }

    /// A value that goes up and down; the last one counts.
    public struct Gauge: Sendable {
        let series: SeriesLine

        public func set(_ value: Int) { series.record(Int64(value)) }
        public func set(_ value: Double) { series.record(value) }
    }

    /// Durations, kept in milliseconds.
    public struct Timer: Sendable {
        let series: SeriesLine

        public func record(nanoseconds: Int64) { series.record(nanoseconds: nanoseconds) }

        public func record(_ duration: Duration) {
            let (seconds, attoseconds) = duration.components
            let (high, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, more) = high.addingReportingOverflow(attoseconds / 1_000_000_000)
            series.record(nanoseconds: overflow || more ? .max : sum)
        }

        /// Records how long `body` takes, also when it throws.
        public func measure<Value, Failure: Error>(
            _ body: () throws(Failure) -> Value
        ) throws(Failure) -> Value {
            let start = ContinuousClock.now
            defer { record(start.duration(to: .now)) }
            return try body()
        }
    }

    /// Values whose spread matters.
    public struct Histogram: Sendable {
        let series: SeriesLine

        public func record(_ value: Int) { series.record(Int64(value)) }
        public func record(_ value: Double) { series.record(value) }
    }

    /// Counts how many different members there were.
    public struct DistinctSet: Sendable {
        let series: SeriesLine

        public func insert(_ member: String) { series.record(member: member) }
    }
}
