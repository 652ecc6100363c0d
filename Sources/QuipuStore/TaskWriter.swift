import QuipuModel

/// Changes of tasks into rows.
final class TaskWriter {
    private let strings: StringTable
    private let find: RawStatement
    private let findScope: RawStatement
    private let insert: RawStatement
    private let update: RawStatement

    /// In the order of `TaskField`.
    static let textColumns = TaskField.allCases.map(\.word).joined(separator: ", ")

    init(_ connection: OpaquePointer, strings: StringTable) throws {
        self.strings = strings
        let count = TaskField.allCases.count
        find = try RawStatement(
            connection,
            """
            SELECT id, status, created, updated, started, stamps, \(Self.textColumns)
            FROM tasks WHERE task = ?1 AND scope = ?2
            """)
        findScope = try RawStatement(
            connection,
            """
            SELECT scope FROM tasks WHERE task = ?1 AND scope IN (0, ifnull(?2, scope))
            ORDER BY scope = ?2 DESC, updated DESC, id DESC LIMIT 1
            """)
        let places = (9..<(9 + count)).map { "?\($0)" }.joined(separator: ", ")
        insert = try RawStatement(
            connection,
            """
            INSERT INTO tasks (task, scope, status, created, updated, started, ended, stamps,
                \(Self.textColumns))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \(places))
            """)
        let texts = TaskField.allCases.map { "\($0.word) = ?\(9 + $0.rawValue)" }
        update = try RawStatement(
            connection,
            """
            UPDATE tasks SET status = ?3, created = ?4, updated = ?5, started = ?6, ended = ?7,
                stamps = ?8, \(texts.joined(separator: ", "))
            WHERE task = ?1 AND scope = ?2
            """)
    }

    /// Applies the changes of one batch, whose slices point into `bytes`.
    func store(
        _ changes: [TaskChange], _ bytes: UnsafeRawBufferPointer, source: Int64
    ) throws {
        for change in changes {
            func text(_ slice: Slice) -> UnsafeRawBufferPointer? {
                guard !slice.isNone, slice.range.upperBound <= bytes.count else { return nil }
                return UnsafeRawBufferPointer(rebasing: bytes[slice.range])
            }
            guard let name = text(change.task) else { continue }
            var scope = change.scope
            if change.isOfSession, let session = text(change[.session]) {
                scope = try strings.id(of: session)
            }
            var delta = TaskDelta(
                stamp: TaskStamp(time: change.time, source: source, offset: change.lineOffset),
                status: change.status, statusIsImplied: change.statusIsImplied,
                created: change.created)
            for field in TaskField.allCases {
                delta.texts[field] = text(change[field]).map {
                    String(decoding: $0, as: UTF8.self)
                }
            }
            try apply(delta, to: try strings.id(of: name), scope: scope)
        }
    }

    /// Where somebody means a task by its name: that of the session he names, else the newest.
    func scope(of task: String, session: String?) throws -> Int64 {
        findScope.bind(1, try strings.id(of: task))
        findScope.bind(2, try session.map { try strings.id(of: $0) })
        defer { findScope.reset() }
        return try findScope.step() ? findScope.int(0) : 0
    }

    private func apply(_ delta: TaskDelta, to task: Int64, scope: Int64) throws {
        var state = TaskState()
        let isKnown = try load(task, scope, into: &state)
        state.apply(delta)
        let statement = isKnown ? update : insert
        statement.bind(1, task)
        statement.bind(2, scope)
        statement.bind(3, Int64(state.status.rawValue))
        statement.bind(4, state.created)
        statement.bind(5, state.updated)
        statement.bind(6, state.started)
        statement.bind(7, state.ended)
        statement.bind(8, copying: state.stampData)
        for (index, text) in state.texts.enumerated() {
            statement.bind(Int32(9 + index), copying: text)
        }
        try statement.run()
    }

    private func load(_ task: Int64, _ scope: Int64, into state: inout TaskState) throws -> Bool {
        find.bind(1, task)
        find.bind(2, scope)
        defer { find.reset() }
        guard try find.step() else { return false }
        state.status = TaskStatus(rawValue: UInt8(clamping: find.int(1))) ?? .pending
        state.created = find.int(2)
        state.updated = find.int(3)
        state.started = find.optionalInt(4)
        if let stamps = find.bytes(5) { state.readStamps(stamps) }
        for index in state.texts.indices { state.texts[index] = find.string(Int32(6 + index)) }
        return true
    }
}
