import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct CommitTests {
    @Test func storesAnEventWithAllItsMembers() async throws {
        try await withStore { store in
            let receipt = try await store.commit([
                EventLine(
                    time: 12.5, name: "Bash", status: .error, durationMs: 412, session: "s-1",
                    task: "t-1", agent: "code_agent", error: "exit 1", toolUseID: "toolu_1",
                    attributes: #"{"cwd":"/tmp"}"#,
                    payload: #"{"tool_input":{"command":"ls -l"}}"#)
            ])
            #expect(receipt.created == 1...1)
            #expect(receipt.completed == [])
            let events = try await store.allEvents()
            var expected = Event(
                seq: 1, time: at(12.5), timeIsArrival: false, kind: "tool_use", name: "Bash",
                status: .error, durationMs: 412, session: "s-1", task: "t-1", agent: "code_agent",
                error: "exit 1", sourcePath: "/logs/a.jsonl", sourceOffset: 0,
                attributesJSON: #"{"cwd":"/tmp","tool_input":{"command":"ls -l"}}"#)
            expected.errorCategory = .unknown
            #expect(events == [expected])
            #expect(try await store.events(seqs: [1, 7, 1], filters: []) == [expected])
        }
    }

    @Test func refusesABatchThatDoesNotBeginAtThePosition() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            builder.add(EventLine(time: 1, name: "Bash"))
            let first = source.batch(builder)
            let second = source.batch(builder)
            let receipt = try await store.commit([second, first, first, second], at: at(5))
            #expect(
                receipt.outcomes == [
                    .refused(position: 0), .stored, .refused(position: 100), .stored,
                ])
            #expect(receipt.created == 1...2)
            let replay = try await store.commit([first], at: at(6))
            #expect(replay.outcomes == [.refused(position: 200)])
            #expect(replay.created == nil)
            #expect(try await store.allEvents().count == 2)
            #expect(try await store.ledger(PageRequest()).total.stored == 2)
        }
    }

    /// Two agents read a file that was written anew between: what one sends behind its refused
    /// batch may begin where the other's ends.
    @Test func refusesWhatFollowsARefusedBatch() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            builder.add(EventLine(time: 1, name: "Bash"))
            var first = source.batch(builder)
            var second = source.batch(builder)
            first.sender = 1
            #expect(try await store.commit([first], at: at(1)).outcomes == [.stored])
            first.sender = 2
            second.sender = 2
            let refused = BatchOutcome.refused(position: 100)
            #expect(
                try await store.commit([first, second], at: at(2)).outcomes == [refused, refused])
            #expect(try await store.commit([second], at: at(3)).outcomes == [refused])
            let identity = SourceIdentity(
                host: "here", kind: .file, key: "a", path: "/logs/a.jsonl")
            var opening = SourceOpening(identity, size: 200, restart: nil, at: at(4))
            opening.sender = 2
            #expect(try await store.open([opening]).map(\.position) == [100])
            #expect(try await store.commit([second], at: at(5)).outcomes == [.stored])
        }
    }

    @Test func refusesOffsetsThatNoFileHas() async throws {
        try await withStore { store in
            let source = try await TestSource(store)
            var batch = PendingBatch(
                sourceID: source.id, from: 0, to: .max, size: .max, head: nil, finished: false,
                decoded: DecodedBatch())
            #expect(
                try await store.commit([batch], at: at(1)).outcomes == [.refused(position: 0)])
            batch.sourceID = 99
            #expect(try await store.commit([batch], at: at(1)).outcomes == [.unknownSource])
        }
    }

    @Test func bytesThatWereDestroyedAreOnTheAccount() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for bytes: UInt64 in [70, 30] {
                var batch = source.batch(BatchBuilder(), bytes: bytes)
                batch.lostBytes = bytes
                try await store.commit(batch)
            }
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.totalLostBytes == 100)
            #expect(ledger.sources.rows.first?.lostBytes == 100)
        }
    }

    @Test func opensManySourcesAtOnce() async throws {
        try await withStore { store in
            var known = try await TestSource(store, key: "b")
            try await store.commit(known.batch(BatchBuilder(), bytes: 40))
            let openings = ["a", "b", "a", "c"].map { key in
                SourceOpening(
                    SourceIdentity(host: "here", kind: .file, key: key, path: "/logs/\(key).jsonl"),
                    size: 9, restart: nil, at: at(2))
            }
            let states = try await store.open(openings)
            #expect(states.map(\.position) == [0, 40, 0, 0])
            #expect(states.map(\.id) == [2, 1, 2, 3])
        }
    }

    @Test func goesOnWhereASourceWasLeft() async throws {
        try await withStorePath { path in
            let identity = SourceIdentity(host: "", kind: .file, key: "k", path: "/logs/x.jsonl")
            let head = SourceHead(bytes: 1_024, hash: .max)
            do {
                let store = try await SQLiteStore(path: path, hostName: "here")
                let fresh = try await store.open(identity, size: 9, restart: nil, at: at(1))
                #expect(fresh == SourceState(id: 1, incarnation: 1, position: 0, head: nil))
                let batch = PendingBatch(
                    sourceID: fresh.id, from: 0, to: 70, size: 90, head: head, finished: false,
                    decoded: DecodedBatch())
                try await store.commit(batch)
                await store.close()
            }
            let store = try await SQLiteStore(path: path, hostName: "here")
            let known = try await store.open(identity, size: 95, restart: nil, at: at(2))
            #expect(known == SourceState(id: 1, incarnation: 1, position: 70, head: head))
            let account = try #require(try await store.ledger(PageRequest()).sources.rows.first)
            #expect(account.identity.host == "here")
            #expect(account.lagBytes == 25)
            await store.close()
        }
    }

    @Test func aRestartedSourceGetsANewAccount() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            builder.add(EventLine(time: 1))
            try await store.commit(source.batch(builder))
            let state = try await store.open(
                SourceIdentity(host: "here", kind: .file, key: "a", path: "/logs/a.jsonl"),
                size: 40, restart: SourceRestart(cause: "truncated", lostBytes: 11), at: at(2))
            #expect(state == SourceState(id: 2, incarnation: 2, position: 0, head: nil))
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.totalLostBytes == 11)
            #expect(ledger.sources.rows.map(\.incarnation) == [2, 1])
            #expect(ledger.sources.rows.last?.finished == true)
            #expect(ledger.balanced)
        }
    }

    @Test func keepsTheNewestRejectsOfASource() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            for round in 0..<2 {
                var builder = BatchBuilder()
                for line in 0..<15 { builder.reject(.invalidJSON, "line \(round) \(line)") }
                builder.addBlank()
                builder.lose("truncated", lines: 3)
                try await store.commit(source.batch(builder))
            }
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.rejects.count == Limits.rejectsKeptPerSource)
            #expect(ledger.rejects.first?.head == Array("line 1 14".utf8))
            #expect(ledger.rejects.last?.head == Array("line 0 10".utf8))
            #expect(ledger.total.rejected == [.invalidJSON: 30])
            #expect(ledger.total.lost == ["truncated": 6])
            #expect(ledger.total.isBalanced)
            #expect(ledger.balanced)
        }
    }

    @Test func seesAnAccountThatDoesNotClose() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            builder.receive()
            try await store.commit(source.batch(builder))
            #expect(try await store.ledger(PageRequest()).balanced == false)
        }
    }

    @Test func keepsPayloadsOfEverySize() async throws {
        try await withStore { store in
            let sizes = [0, 1, 1_000, 60_000, 65_536, 65_537, 200_000, 3_000_000]
            let lines = sizes.enumerated().map { index, size in
                EventLine(
                    time: Double(index),
                    payload: #"{"output":"\#(String(repeating: "x", count: size))"}"#)
            }
            try await store.commit(lines + lines)
            let events = try await store.allEvents()
            #expect(
                events.map(\.attributesJSON.utf8.count) == sizes.flatMap { [$0 + 13, $0 + 13] })
        }
    }
}
