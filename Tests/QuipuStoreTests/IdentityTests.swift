import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

/// The same event told again: by another file, by a fork, by hooks and a transcript.
@Suite struct IdentityTests {
    private static let callID = "toolu_01ABCDEFGHIJKLMNOP"

    private func prompt(_ time: Double, _ text: String, uuid: String? = nil) -> EventLine {
        EventLine(
            time: time, kind: "prompt", status: .none, session: "s", identity: uuid,
            attributes: #"{"prompt":"\#(text)"}"#)
    }

    private func opening(_ time: Double) -> EventLine {
        EventLine(
            time: time, name: "Bash", status: .running, half: .opening, session: "s",
            toolUseID: Self.callID)
    }

    private func closing(_ time: Double, _ ms: Double? = nil) -> EventLine {
        EventLine(
            time: time, name: "Bash", half: .closing, durationMs: ms, session: "s",
            toolUseID: Self.callID)
    }

    @Test func theSameRowInAnotherFileIsTheSameEvent() async throws {
        try await withStore { store in
            let row = prompt(1, "hi", uuid: "u-1")
            try await store.commit([row, row])
            try await store.commit([row, prompt(2, "hi", uuid: "u-2")], from: "b")
            #expect(try await store.allEvents().map(\.time) == [at(1), at(2)])
            let total = try await store.ledger(PageRequest()).total
            #expect(total.stored == 2)
            #expect(total.merged == 2)
            #expect(try await store.session("s")?.summary.eventCount == 2)
        }
    }

    /// Hooks saw the first session; the fork's transcript holds all of it under another id.
    @Test(arguments: [true, false]) func aForkCountsNothingTwice(hooksFirst: Bool) async throws {
        try await withStore { store in
            func transcript(_ session: String) -> [EventLine] {
                var rows = [prompt(1, "go", uuid: "u-1"), prompt(5, "on", uuid: "u-2")]
                for index in 0..<40 {
                    var half = opening(10 + Double(index))
                    half.toolUseID = "\(Self.callID)\(index)"
                    half.identity = half.toolUseID
                    rows.append(half)
                    half = closing(10.5 + Double(index))
                    half.toolUseID = "\(Self.callID)\(index)"
                    half.identity = half.toolUseID
                    rows.append(half)
                }
                for index in rows.indices { rows[index].session = session }
                return rows
            }
            let hooks = [prompt(1.2, "go"), prompt(5.1, "on")]
            if hooksFirst { try await store.commit(hooks, from: "hooks") }
            try await store.commit(transcript("s"), from: "s")
            if !hooksFirst { try await store.commit(hooks, from: "hooks") }
            var own = prompt(99, "new", uuid: "u-3")
            own.session = "fork"
            var ownCall = closing(100)
            ownCall.session = "fork"
            ownCall.identity = ownCall.toolUseID
            try await store.commit(transcript("fork") + [own, ownCall], from: "fork")
            #expect(try await store.allEvents().count == 44)
            #expect(try await store.session("s")?.summary.toolCount == 40)
            #expect(try await store.session("fork")?.summary.toolCount == 1)
            // What a fork of the fork copies comes from both.
            var late = transcript("third") + [own, ownCall]
            for index in late.indices { late[index].session = "third" }
            try await store.commit(late, from: "third")
            #expect(try await store.allEvents().count == 44)
            #expect(try await store.ledger(PageRequest()).balanced)
        }
    }

    /// Codex writes the rows that a fork inherits with the time of the fork.
    @Test(arguments: [1.0, 900_000]) func aCopyWithOtherTimesIsNoNewCall(time: Double)
        async throws
    {
        try await withStore { store in
            func call(_ session: String, _ time: Double) -> [EventLine] {
                var lines = [opening(time), closing(time + 3)]
                for index in lines.indices {
                    lines[index].session = session
                    lines[index].identity = Self.callID
                }
                return lines
            }
            try await store.commit(call("s", 500))
            let original = try await store.allEvents()
            try await store.commit(call("fork", time), from: "fork")
            #expect(try await store.allEvents() == original)
            #expect(original.map(\.durationMs) == [3_000])
            #expect(try await store.session("fork") == nil)
            #expect(try await store.session("s")?.summary.lastActivity == at(503))
            let tools = try await store.tools(ToolQuery(range: everything)).rows
            #expect(tools.map(\.counts.ok) == [1])
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.balanced)
            #expect(ledger.total.merged == 3)
        }
    }

    /// Hooks without times, read long afterwards; then the transcript.
    @Test func aToldTimeReplacesOneOfArrival() async throws {
        let day = 86_400.0
        try await withStore { store in
            var hook = closing(400 * day, 250)
            hook.timeIsArrival = true
            try await store.commit([hook], from: "hooks")
            #expect(try await store.allEvents().map(\.time) == [at(400 * day)])
            try await store.commit([opening(3 * day), closing(3 * day + 60)])
            let events = try await store.allEvents()
            #expect(events.map(\.time) == [at(3 * day)])
            #expect(events.map(\.timeIsArrival) == [false])
            #expect(events.map(\.durationMs) == [250])
            let days = try await store.summary(
                SummaryQuery(range: everything, groupBy: [.span(.day)])
            ).rows
            #expect(days.map { $0.group.map(\.value) } == [[.string("1970-01-04T00:00:00.000Z")]])
            #expect(days.map(\.counts.ok) == [1])
            for (first, calls) in [(3 * day, [1]), (400 * day, [])] {
                let range = TimeRange(since: at(first), until: at(first + day))
                let tools = try await store.tools(ToolQuery(range: range)).rows
                #expect(tools.map(\.counts.ok) == calls)
                #expect(tools.map { $0.duration?.max } == calls.map { _ in 250 })
            }
            let summary = try #require(try await store.session("s")).summary
            #expect(summary.started == at(3 * day))
            // The line that told nothing new was no activity.
            #expect(summary.lastActivity == at(3 * day))
            #expect(summary.toolCount == 1)
        }
    }

    @Test func idsThatAnybodyMayUseStayApart() async throws {
        try await withStore { store in
            var one = closing(1)
            one.toolUseID = "call-1"
            var other = one
            other.session = "other"
            try await store.commit([one, other])
            #expect(try await store.allEvents().count == 2)
        }
    }

    /// Hook log and transcript tell of one call, in any order.
    @Test func fourLinesMakeOneCall() async throws {
        var preHook = opening(10.02)
        preHook.project = "/p"
        preHook.path = "/p/a"
        preHook.access = .read
        var postHook = closing(12.4, 345)
        postHook.attributes = #"{"hook":1}"#
        postHook.path = "/p/a"
        postHook.access = .read
        var assistant = opening(10)
        assistant.model = "opus"
        assistant.branch = "main"
        var user = closing(12.5)
        user.attributes = #"{"row":2,"hook":9}"#
        let lines = [preHook, postHook, assistant, user]
        for order in permutations(of: Array(lines.indices)) {
            try await withStore { store in
                for index in order { try await store.commit([lines[index]], from: "\(index)") }
                let events = try await store.allEvents()
                #expect(events.count == 1)
                let event = try #require(events.first)
                // The stated duration stands, whatever the rows' times say.
                #expect(event.durationMs == 345, "\(order)")
                #expect(event.status == .ok)
                #expect(event.context[.model] == "opus")
                #expect(event.context[.project] == "/p")
                #expect(event.attributesJSON.contains(#""row":2"#))
                #expect(event.attributesJSON.contains(#""hook":"#))
                let openings = order.filter { $0 == 0 || $0 == 2 }
                #expect(event.time == at(lines[openings[0]].time))
                let total = try await store.ledger(PageRequest()).total
                #expect(total.stored == 1)
                #expect(total.merged == 3)
                let summary = try #require(try await store.session("s")).summary
                #expect(summary.toolCount == 1)
                #expect(summary.fileCount == 1)
                let files = try await store.files(FileQuery(range: everything)).rows
                #expect(files.map(\.reads) == [1], "\(order)")
                let tools = try await store.tools(ToolQuery(range: everything)).rows
                #expect(tools.map(\.counts.ok) == [1])
                #expect(tools.map(\.duration?.max) == [345])
            }
        }
    }

    private func permutations(of items: [Int]) -> [[Int]] {
        guard items.count > 1 else { return [items] }
        return items.indices.flatMap { index in
            var rest = items
            let item = rest.remove(at: index)
            return permutations(of: rest).map { [item] + $0 }
        }
    }

    @Test func aSpanIsNoWorseThanNothing() async throws {
        try await withStore { store in
            try await store.commit([opening(1), closing(3)])
            #expect(try await store.allEvents().map(\.durationMs) == [2_000])
            #expect(
                try await store.tools(ToolQuery(range: everything)).rows.first?.duration?.max
                    == 2_000)
            try await store.commit([closing(3.1, 1_500)], from: "hooks")
            #expect(try await store.allEvents().map(\.durationMs) == [1_500])
            #expect(
                try await store.tools(ToolQuery(range: everything)).rows.first?.duration?.max
                    == 1_500)
        }
    }

    @Test func aBlockedCallStaysBlocked() async throws {
        try await withStore { store in
            var pre = opening(1)
            pre.status = .blocked
            var post = closing(2)
            post.status = .error
            post.error = "hook error: rm is not allowed"
            try await store.commit([pre, post])
            #expect(try await store.allEvents().map(\.status) == [.blocked])
            let summary = try #require(try await store.session("s")).summary
            #expect(summary.blocked == 1)
            #expect(summary.errors == 0)
        }
    }

    @Test func promptsOfHooksAndTranscriptsAreTheSame() async throws {
        try await withStore { store in
            // The same words twice, told by the hook first, then by the transcript first.
            try await store.commit([prompt(1, "go on"), prompt(9, "go on")], from: "hooks")
            try await store.commit(
                [
                    prompt(1.1, "go on", uuid: "u-1"), prompt(5, "other", uuid: "u-2"),
                    prompt(9.1, "go on", uuid: "u-3"), prompt(20, "go on", uuid: "u-4"),
                ])
            try await store.commit([prompt(20.2, "go on"), prompt(5.2, "other ")], from: "hooks2")
            let events = try await store.allEvents()
            #expect(events.map(\.time) == [at(1), at(5.2), at(9), at(20.2)])
            #expect(events.allSatisfy { $0.durationMs == nil })
            // And a copy of the transcript still says nothing new.
            try await store.commit([prompt(1.1, "go on", uuid: "u-1")], from: "copy")
            #expect(try await store.allEvents().count == 4)
            #expect(try await store.session("s")?.summary.eventCount == 4)
        }
    }

    @Test func longPromptsAreComparedAsReadersSeeThem() async throws {
        try await withStore { store in
            let text = String(repeating: "long ", count: 400)
            var hook = prompt(1, "")
            hook.attributes = nil
            hook.payload = #"{"prompt":"\#(text)\u00e9"}"#
            var row = prompt(1.5, "", uuid: "u-1")
            row.attributes = nil
            row.payload = #"{"prompt":"\#(text)é"}"#
            try await store.commit([hook], from: "hooks")
            try await store.commit([row])
            #expect(try await store.allEvents().count == 1)
        }
    }

    @Test func aLineWithSeveralRecordsCountsOnce() async throws {
        try await withStore { store in
            var second = opening(1)
            second.isFurther = true
            try await store.commit([prompt(1, "go"), second])
            try await store.commit([prompt(2, "go on"), second], from: "b")
            let total = try await store.ledger(PageRequest()).total
            #expect(total.received == 2)
            #expect(total.stored == 2)
            #expect(total.merged == 0)
            #expect(total.isBalanced)
        }
    }

    /// Beyond some size a session is read along the index over time.
    @Test func longSessionsArePagedToo() async throws {
        try await withStore { store in
            let count = 20_500
            var lines = (0..<count).map {
                EventLine(time: Double($0), kind: "log", status: .none, session: "long")
            }
            lines[7].timeIsArrival = true
            lines[7].time = 1_000_000
            try await store.commit(lines)
            let own = Filter(path: "session", test: .oneOf([.string("long")]))
            let range = TimeRange(since: at(100), until: at(20_000))
            var seen = 0
            var page = PageRequest(limit: 9_000)
            repeat {
                let answer = try await store.events(
                    EventQuery(range: range, filters: [own], page: page))
                seen += answer.rows.count
                page.cursor = answer.nextCursor
            } while page.cursor != nil
            #expect(seen == 19_900)
            let newest = try await store.events(
                EventQuery(range: everything, filters: [own], page: PageRequest(limit: 1)))
            #expect(newest.rows.map(\.time) == [at(1_000_000)])
            #expect(try await store.session("long")?.summary.lastActivity == at(20_499))
        }
    }

    @Test func aSessionsEventsAreFoundWithoutTheOthers() async throws {
        try await withStore { store in
            var random = SeededGenerator(seed: 7)
            var lines: [EventLine] = []
            for index in 0..<3_000 {
                let session = "s\(Int.random(in: 0..<30, using: &random))"
                var line = EventLine(
                    time: Double(Int.random(in: 0..<500, using: &random)), name: "Bash",
                    session: session)
                if index.isMultiple(of: 3) { line.identity = "u-\(index)" }
                lines.append(line)
            }
            try await store.commit(lines)
            let all = try await store.allEvents()
            for session in ["s0", "s17", "nobody"] {
                let filter = Filter(path: "session", test: .oneOf([.string(session)]))
                let own = all.filter { $0.session == session }
                #expect(try await store.allEvents([filter]) == own)
                let range = TimeRange(since: at(100), until: at(300))
                #expect(
                    try await store.allEvents([filter], in: range)
                        == own.filter { $0.time >= at(100) && $0.time < at(300) })
                var seen: [Int64] = []
                var page = PageRequest(limit: 7)
                repeat {
                    let answer = try await store.events(
                        EventQuery(range: everything, filters: [filter], page: page))
                    seen += answer.rows.map(\.seq)
                    page.cursor = answer.nextCursor
                } while page.cursor != nil
                #expect(seen == own.map(\.seq).reversed())
            }
        }
    }
}
