/// The agent in a line, for `systemctl status`.
struct AgentStatus {
    private var lastMs: Int64?
    private var lastBytes: UInt64 = 0
    private var lastDatagrams: UInt64 = 0

    mutating func text(
        files: Int, shipper: borrowing Shipper, spool: SpoolFigures, receiver: ReceiverFigures,
        nowMs: Int64
    ) -> String {
        let bytes = shipper.figures.shippedBytes
        var parts = [shipper.isConnected ? "connected" : "waiting for the daemon"]
        parts.append("\(files) files")
        if let lastMs, nowMs > lastMs {
            let seconds = Double(nowMs - lastMs) / 1_000
            let rate = Double(receiver.datagrams - lastDatagrams) / seconds
            parts.append("\(Int(rate)) datagrams/s")
            parts.append("\(Self.bytes(UInt64(Double(bytes - lastBytes) / seconds)))/s shipped")
        }
        parts.append("\(Self.bytes(shipper.backlogBytes)) behind")
        parts.append("\(Self.bytes(spool.bytes)) spooled")
        if spool.refusedDatagrams > 0 { parts.append("\(spool.refusedDatagrams) refused") }
        lastMs = nowMs
        lastBytes = bytes
        lastDatagrams = receiver.datagrams
        return parts.joined(separator: ", ")
    }

    private static func bytes(_ count: UInt64) -> String {
        switch count {
        case ..<10_000: "\(count) B"
        case ..<10_000_000: "\(count / 1_000) kB"
        default: "\(count / 1_000_000) MB"
        }
    }
}
