internal import Intake
internal import Platform
internal import QuipuModel
internal import QuipuProtocol
internal import QuipuStore

extension Dispatcher {
    func tasks(
        _ method: Method, _ parameters: inout Parameters, _ now: Timestamp
    ) async throws(RPCError) -> JSON {
        switch method {
        case .tasksList:
            let query = try parameters.taskQuery()
            return try await ask { store throws(StoreError) in try await store.tasks(query) }.json
        case .tasksGet: return try await task(try parameters.taskDetailQuery()).json
        case .tasksActivity:
            let query = try parameters.activityQuery()
            return try await ask { store throws(StoreError) in try await store.activity(query) }
                .json("activity") { $0.json }
        case .tasksPut: return try await putTask(try parameters.taskLine())
        case .overview:
            let range = try parameters.overviewRange()
            return try await ask { store throws(StoreError) in
                try await store.overview(range, now: now)
            }
            .json(since: range.since)
        default: throw unknown(method.rawValue)
        }
    }

    private func task(_ query: TaskDetailQuery) async throws(RPCError) -> TaskDetail {
        let detail = try await ask { store throws(StoreError) in try await store.task(query) }
        guard let detail else {
            throw RPCError(
                .notFound, path: "task", hint: "no task \"\(query.task.prefix(200))\"")
        }
        return detail
    }

    /// Stores the line as if it had come from an agent, and answers with what the task is now.
    private func putTask(_ line: JSON) async throws(RPCError) -> JSON {
        let now = Timestamp(microseconds: WallClock.microseconds())
        let decoded = line.bytes.withUnsafeBytes {
            Decoder(options: decoding).decode(
                $0, at: 0, context: SourceContext(kind: .file, path: "quipud:tasks.put"),
                arrival: now, finished: true)
        }
        let stored = await administration.committer.store(decoded, asOwn: "tasks.put")
        if case .failure(let error) = stored { throw Replies.error(error) }
        // Of several of one name: the one that changed last, in the session that was named.
        var query = TaskDetailQuery(
            task: line["task"]?.string ?? "", session: line["session"]?.string, limit: 1)
        let named = try await ask { [query] store throws(StoreError) in
            try await store.task(query)
        }
        if let named { return named.summary.json }
        query.session = nil
        return try await task(query).summary.json
    }
}
