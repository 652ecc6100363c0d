import QuipuModel

/// Runs on a thread of its own, one at a time: such questions never keep the others' readers.
actor SQLRunner {
    /// Leaves room for the reply's other members.
    private static let bytesMax = Limits.replyBytesMax - (64 << 10)

    private let executor = QueueExecutor(label: "quipu.store.sql")
    nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// Answers `query` on the connection that `open` makes.
    func run(
        _ query: SQLQuery, milliseconds: Int, on open: @Sendable () throws -> SQLSandbox
    ) async throws -> SQLRows {
        try Task.checkCancellation()
        let sandbox = try open()
        // The wait for one's turn does not count: it may be because of somebody else.
        let deadline = Deadline(milliseconds: milliseconds)
        // Without `self` in it the closure would run on the cooperative pool. That it calls
        // `answer` without `await` lets the compiler hold that it does not.
        return try await withTaskCancellationHandler {
            try self.answer(query, sandbox, deadline)
        } onCancel: {
            deadline.withdraw()
        }
    }

    private func answer(
        _ query: SQLQuery, _ sandbox: SQLSandbox, _ deadline: Deadline
    ) throws -> SQLRows {
        do {
            return try sandbox.run(query, bytesMax: Self.bytesMax, until: deadline)
        } catch {
            throw deadline.reason(for: error)
        }
    }
}
