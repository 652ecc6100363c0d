import QuipuModel

/// Collects what a commit changes about the money spent.
final class SpendTally {
    private struct Key: Hashable {
        var session: Int64
        var context: Int64
        var start: Int64
    }

    private var changes: [Key: Double] = [:]
    private let contexts: ContextReader
    private let findText: RawStatement

    init(_ connection: OpaquePointer, contexts: ContextReader) throws {
        self.contexts = contexts
        findText = try RawStatement(connection, "SELECT text FROM strings WHERE id = ?1")
    }

    func add(_ usd: Double?, _ call: UsageFacts) {
        guard let usd, usd != 0 else { return }
        let start = floorDivide(call.time, 1_000_000).aligned(to: SpendChange.seconds)
        let key = Key(session: call.session ?? 0, context: call.context, start: start)
        changes[key, default: 0] += usd
    }

    /// What was collected since the last time.
    func take() throws -> [SpendChange] {
        defer { changes.removeAll(keepingCapacity: true) }
        return try changes.map { key, usd in
            let members = try contexts.members(of: key.context)
            return SpendChange(
                time: .seconds(key.start), session: try text(key.session),
                project: try text(members.project), user: try text(members.user), usd: usd)
        }
    }

    private func text(_ id: Int64?) throws -> String? {
        guard let id, id != 0 else { return nil }
        findText.bind(1, id)
        defer { findText.reset() }
        return try findText.step() ? findText.string(0) : nil
    }
}
