import QuipuModel

/// Which connections have which source open. Of two agents on one file one may be unable to open it
/// any more, while the other has it open and reads on: what one tells as lost is taken when nobody
/// else has the source, or has not sent it for a while. A pure state machine.
public struct SourceReaders: Sendable {
    private struct Readers {
        var connections: Set<Int> = []
        /// When a loss was first told that others may still read.
        var lossToldMs: Int64?
    }

    private var sources: [Int64: Readers] = [:]

    public init() {}

    public mutating func opened(_ source: Int64, by connection: Int) {
        sources[source, default: Readers()].connections.insert(connection)
    }

    /// It sent all, or can send no more.
    public mutating func finished(_ source: Int64, by connection: Int) {
        guard sources[source]?.connections.remove(connection) != nil else { return }
        if sources[source]?.connections.isEmpty == true { sources[source] = nil }
    }

    public mutating func disconnected(_ connection: Int) {
        for source in Array(sources.keys) { finished(source, by: connection) }
    }

    /// Whether a loss counts that this connection tells of; else it is to tell it again later. From
    /// then on nothing is expected from it, so that two that can read no more do not wait for each
    /// other.
    public mutating func mayLose(_ source: Int64, by connection: Int, nowMs: Int64) -> Bool {
        finished(source, by: connection)
        guard let readers = sources[source] else { return true }
        let since = readers.lossToldMs ?? nowMs
        sources[source]?.lossToldMs = since
        return nowMs - since >= Int64(Limits.lossPatienceMs)
    }
}
