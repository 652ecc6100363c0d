import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

/// What a test says of a task.
struct TaskLine: Equatable {
    var time: Double
    var task = "t"
    var status: TaskStatus?
    var isImplied = false
    var texts: [TaskField: String] = [:]
    var isOfSession = false
}

extension BatchBuilder {
    /// A line as the decoder reads it: the event, and what it changes.
    mutating func add(_ line: TaskLine) {
        var change = TaskChange()
        change.lineOffset = UInt64(decodedLines)
        change.time = at(line.time)
        change.task = slice(line.task)
        change.status = line.status
        change.statusIsImplied = line.isImplied
        change.isOfSession = line.isOfSession
        for (field, text) in line.texts { change[field] = slice(text) }
        addChange(change)
        add(
            EventLine(
                time: line.time, kind: "task", status: .none, session: line.texts[.session],
                task: line.task,
                attributes: line.texts[.message].map { "{\"message\":\"\($0)\"}" }))
    }
}

/// The same as `TaskState`, told as simply as can be: for each member the latest line that says it.
private struct TaskModel {
    var lines: [TaskLine] = []

    var status: TaskStatus {
        func rank(_ line: TaskLine) -> Int {
            line.status?.isEnd == true ? 2 : line.status == .running ? 1 : 0
        }
        let said = lines.filter { $0.status != nil && !$0.isImplied }
            .max { ($0.time, rank($0)) < ($1.time, rank($1)) }
        return said?.status ?? (lines.contains { $0.isImplied } ? .running : .pending)
    }

    func text(_ field: TaskField) -> String? {
        lines.filter { $0.texts[field] != nil }.max { $0.time < $1.time }?.texts[field]
    }
}

@Suite struct TaskTests {
    private func list(
        _ store: SQLiteStore, _ status: TaskStatus? = nil, filters: [Filter] = [],
        page: PageRequest = PageRequest()
    ) async throws -> TaskPage {
        try await store.tasks(
            TaskQuery(range: everything, status: status, filters: filters, page: page))
    }

    private func commit(
        _ store: SQLiteStore, _ lines: [TaskLine], key: String = "a"
    ) async throws {
        var source = try await TestSource(store, key: key)
        var builder = BatchBuilder()
        for line in lines { builder.add(line) }
        try await store.commit(source.batch(builder))
    }

    @Test func aTaskIsWhatItsLatestLinesSay() async throws {
        try await withStore { store in
            try await commit(
                store,
                [
                    TaskLine(time: 10, status: .pending, texts: [.name: "a", .user: "ana"]),
                    TaskLine(time: 20, status: .running, texts: [.message: "began"]),
                    TaskLine(time: 40, status: .failed, texts: [.error: "exit 1"]),
                    // Late: what is newer stays.
                    TaskLine(time: 30, status: .running, texts: [.name: "b", .error: "old"]),
                    // Later than all, and says nothing new of the status.
                    TaskLine(time: 50, status: .running, isImplied: true),
                ])
            let task = try #require(try await list(store).page.rows.first)
            #expect(task.status == .failed)
            #expect(task.texts[.name] == "b")
            #expect(task.texts[.error] == "exit 1")
            #expect(task.texts[.user] == "ana")
            #expect(task.created == at(10))
            #expect(task.started == at(20))
            #expect(task.ended == at(40))
            #expect(task.updated == at(50))
        }
    }

    /// In whichever order, in whichever batches, however often, from however many sources, with
    /// restarts in between.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func changesComeInAnyOrder(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        try await withStorePath { path in
            var models: [String: TaskModel] = [:]
            var lines: [TaskLine] = []
            // No two lines of one moment: then each is the latest or it is not.
            for second in 0..<120 {
                var line = TaskLine(
                    time: Double(second), task: "t\(Int.random(in: 0..<5, using: &random))")
                if Bool.random(using: &random) {
                    line.status = TaskStatus.allCases.randomElement(using: &random)
                    line.isImplied = line.status == .running && Bool.random(using: &random)
                }
                for field in TaskField.allCases where Int.random(in: 0..<4, using: &random) == 0 {
                    line.texts[field] = "\(field.word) \(second)"
                }
                lines.append(line)
                models[line.task, default: TaskModel()].lines.append(line)
            }
            lines += lines.shuffled(using: &random).prefix(40)
            lines.shuffle(using: &random)
            while !lines.isEmpty {
                let store = try await SQLiteStore(path: path, hostName: "here")
                for key in ["a", "b"] {
                    let count = min(lines.count, Int.random(in: 1..<30, using: &random))
                    try await commit(store, Array(lines.prefix(count)), key: key)
                    lines.removeFirst(count)
                }
                await store.close()
            }
            let store = try await SQLiteStore(path: path, hostName: "here")
            let tasks = try await list(store).page.rows
            #expect(tasks.count == models.count)
            for task in tasks {
                let model = try #require(models[task.task])
                #expect(task.status == model.status, "seed \(seed) \(task.task)")
                for field in TaskField.allCases {
                    #expect(task.texts[field] == model.text(field), "seed \(seed) \(field)")
                }
                #expect(task.created == at(model.lines.map(\.time).min() ?? 0))
                #expect(task.updated == at(model.lines.map(\.time).max() ?? 0))
                let runs = model.lines.filter { $0.status == .running }.map(\.time)
                #expect(task.started == runs.min().map { at($0) })
            }
            await store.close()
        }
    }

    /// Of changes at one moment the one that is further on holds, told in any order.
    @Test func clocksThatTellSecondsAreUnderstood() async throws {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            try await withStore { store in
                let lines: [TaskLine] = [.pending, .running, .completed].map {
                    TaskLine(time: 5, status: $0)
                }
                for index in order { try await commit(store, [lines[index]], key: "\(index)") }
                let task = try #require(try await list(store).page.rows.first)
                #expect(task.status == .completed)
                #expect(task.started == at(5))
            }
        }
    }

    @Test func sessionsNumberTheirTasks() async throws {
        try await withStore { store in
            func line(_ time: Double, _ session: String, _ status: TaskStatus) -> TaskLine {
                TaskLine(
                    time: time, task: "1", status: status,
                    texts: [.session: session, .name: session],
                    isOfSession: true)
            }
            try await commit(
                store, [line(1, "a", .pending), line(2, "b", .pending), line(3, "a", .completed)])
            #expect(try await list(store).counts.total == 2)
            let newest = try #require(try await store.task(TaskDetailQuery(task: "1")))
            #expect(newest.summary.texts[.name] == "a")
            #expect(newest.activityCount == 2)
            let other = try #require(
                try await store.task(TaskDetailQuery(task: "1", session: "b")))
            #expect(other.summary.status == .pending)
            #expect(other.activityCount == 1)
            let none = try await store.task(TaskDetailQuery(task: "1", session: "c"))
            #expect(none == nil)
        }
    }

    /// The seed compared truth values with numbers and counted no success at all.
    @Test func successIsCounted() async throws {
        try await withStore { store in
            let statuses: [TaskStatus] = [.completed, .completed, .failed, .running, .stopped]
            try await commit(
                store,
                statuses.enumerated().map {
                    TaskLine(
                        time: Double($0.offset), task: "t\($0.offset)", status: $0.element,
                        texts: [
                            .workspace: $0.offset < 3 ? "w" : "v", .phaseNumber: "\($0.offset)",
                        ])
                })
            let all = try await list(store)
            #expect(all.counts.total == 5)
            #expect(all.counts[.completed] == 2)
            #expect(all.counts.successRatePercent.map { $0.rounded() } == 67)
            #expect(all.page.rows.map(\.task) == ["t4", "t3", "t2", "t1", "t0"])
            let failed = try await list(
                store, .failed, filters: [Filter(path: "workspace", test: .oneOf([.string("w")]))])
            #expect(failed.page.rows.map(\.task) == ["t2"])
            // Of all statuses, as filtered.
            #expect(failed.counts.total == 3)
            let late = try await list(
                store, filters: [Filter(path: "phase_number", test: .above(.int(2)))])
            #expect(late.counts.total == 2)
            await #expect(throws: StoreError.self) {
                try await list(store, filters: [Filter(path: "colour", test: .oneOf([.null]))])
            }
            let overview = try await store.overview(everything, now: at(10))
            #expect(overview.tasks == all.counts)
            let rows = try await store.sql(
                SQLQuery(
                    text: "SELECT task FROM tasks WHERE status = 'failed' AND workspace = 'w'",
                    rowsMax: 10))
            #expect(rows.rows == [[.string("t2")]])
        }
    }

    /// Whole hours come from rollups, edges from rows; the sum is that of the rows.
    @Test func anOverviewCountsWhatIsInItsRange() async throws {
        var random = SeededGenerator()
        try await withStore { store in
            let lines = (0..<400).map { _ in
                EventLine(
                    time: Double.random(in: 0..<20_000, using: &random),
                    kind: random.chance(70) ? "tool_use" : "generation", name: "n",
                    status: random.pick([.ok, .error, .running]),
                    session: "s\(Int.random(in: 0..<9, using: &random))")
            }
            try await store.commit(lines)
            for _ in 0..<20 {
                let since = Double.random(in: 0..<20_000, using: &random)
                let until = Double.random(in: since...20_000, using: &random)
                let told = try await store.overview(
                    TimeRange(since: at(since), until: at(until)), now: at(20_000))
                let inside = lines.filter { at($0.time) >= at(since) && at($0.time) < at(until) }
                #expect(told.errors == inside.filter { $0.status == .error }.count)
                #expect(told.toolCalls == inside.filter { $0.kind == "tool_use" }.count)
                let spans = Dictionary(grouping: lines, by: \.session).values.map { lines in
                    (lines.map(\.time).min() ?? 0)...(lines.map(\.time).max() ?? 0)
                }
                let active = spans.filter { $0.upperBound >= since && $0.lowerBound < until }.count
                #expect(
                    told.sessions.values.reduce(0, +) == active, "seed \(random.seed)")
            }
        }
    }

    @Test func cursorsWalkTasksAndActivity() async throws {
        try await withStore { store in
            // Many changes within one second.
            try await commit(
                store, (0..<50).map { TaskLine(time: Double($0 / 20), task: "t\($0)") })
            var seen: [String] = []
            var page = PageRequest(limit: 7)
            repeat {
                let answer = try await list(store, page: page)
                #expect(answer.counts.total == 50)
                seen += answer.page.rows.map(\.task)
                page.cursor = answer.page.nextCursor
            } while page.cursor != nil
            #expect(seen.count == 50)
            #expect(Set(seen).count == 50)
            var activity: [Int64] = []
            page = PageRequest(limit: 7)
            repeat {
                let answer = try await store.activity(
                    ActivityQuery(range: everything, page: page))
                activity += answer.rows.map(\.seq)
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(activity == activity.sorted(by: >))
            #expect(activity.count == 50)
            let one = try await store.activity(ActivityQuery(range: everything, task: "t3"))
            #expect(one.rows.map(\.task) == ["t3"])
        }
    }

    @Test func aTaskTellsOfItsToolsAndDocuments() async throws {
        try await withStore { store in
            try await commit(store, [TaskLine(time: 1, status: .running, texts: [.message: "on"])])
            var lines = (0..<5).map {
                EventLine(time: 2 + Double($0), name: "Bash", durationMs: 100, task: "t")
            }
            lines.append(EventLine(time: 9, name: "Edit", status: .error, task: "t"))
            lines.append(EventLine(time: 9, name: "Edit", task: "other"))
            try await store.commit(lines, from: "b")
            try await store.put(
                DocumentUpdate(id: "plan", task: "t", body: "{}", text: ""), at: at(5))
            let detail = try #require(try await store.task(TaskDetailQuery(task: "t", limit: 3)))
            #expect(detail.toolCount == 6)
            #expect(detail.tools.map(\.name) == ["Bash", "Edit"])
            #expect(detail.tools.map(\.counts.errors) == [0, 1])
            #expect(detail.tools.first?.duration?.avg == 100)
            #expect(detail.timeline.map(\.time) == [at(5), at(6), at(9)])
            #expect(detail.activity.map(\.message) == ["on"])
            #expect(detail.documents.map(\.id) == ["plan"])
            let none = try await store.task(TaskDetailQuery(task: "nobody"))
            #expect(none == nil)
        }
    }

    @Test func tasksOutliveTheirEventsAndGoByAge() async throws {
        try await withStore { store in
            try await commit(store, [TaskLine(time: 0), TaskLine(time: 86_400, task: "young")])
            var policy = RetentionPolicy()
            policy.eventsSeconds = 3_600
            policy.tasksSeconds = 5 * 86_400
            let now = at(5.5 * 86_400)
            #expect(try await store.retainable(policy, at: now).tasks == 1)
            let report = try await store.retain(policy, at: now)
            #expect(report.events == 2)
            #expect(report.tasks == 1)
            #expect(try await list(store).page.rows.map(\.task) == ["young"])
            let young = try #require(try await store.task(TaskDetailQuery(task: "young")))
            #expect(young.activityCount == 0)
        }
    }
}
