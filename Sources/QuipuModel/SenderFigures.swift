/// What clients counted about themselves and sent along: the senders' side of the account.
public struct SenderFigures: Sendable, Equatable {
    public var metrics: Int64 = 0
    public var events: Int64 = 0
    public var serviceChecks: Int64 = 0
    public var packetsSent: Int64 = 0
    /// Refused by a full queue, or sent while nobody listened.
    public var packetsDropped: Int64 = 0
    public var bytesSent: Int64 = 0
    public var bytesDropped: Int64 = 0
    /// Lines that a client of ours dropped because its buffer was full.
    public var linesDropped: Int64 = 0

    public init() {}

    private static let fields: [String: any WritableKeyPath<SenderFigures, Int64> & Sendable] = [
        "metrics": \.metrics, "events": \.events, "service_checks": \.serviceChecks,
        "packets_sent": \.packetsSent, "packets_dropped": \.packetsDropped,
        "bytes_sent": \.bytesSent, "bytes_dropped": \.bytesDropped,
        "lines_dropped": \.linesDropped,
    ]

    /// Counts under a client's own name for it. Names that say nothing here, and counts beyond all
    /// reason, are passed over.
    public mutating func add(_ name: String, _ count: Int64?) {
        guard let field = Self.fields[name], let count else { return }
        let (sum, overflow) = self[keyPath: field].addingReportingOverflow(count)
        if !overflow { self[keyPath: field] = sum }
    }

    public mutating func add(_ other: SenderFigures) {
        for field in Self.fields.values { self[keyPath: field] &+= other[keyPath: field] }
    }
}
