import QuipuModel
import TestSupport
import Testing

@testable import QuipuStore

@Suite struct UsageTests {
    /// The row before the call's end holds a larger input that is not yet told apart.
    @Test func theLastRowWinsThoughTheFirstIsLarger() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(time: 1, message: "m", tokens: [99_469, 0, 0, 0, 0]),
                UsageLine(
                    time: 2, message: "m", tokens: [5_671, 0, 0, 88_482, 289], isFinal: true),
            ])
            let figures = try await store.figures()
            #expect(figures.requests == 1)
            #expect(figures.tokens.list == [5_671, 0, 0, 88_482, 289])
            let tally = try await store.tally()
            #expect(tally.stored == 1 && tally.merged == 1 && tally.isBalanced)
        }
    }

    @Test func aRowBeforeTheEndReplacesNoneAfterIt() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(message: "m", request: "r", tokens: [5, 0, 0, 0, 9], isFinal: true),
                UsageLine(message: "m", request: "r", tokens: [9, 0, 0, 0, 1]),
            ])
            #expect(try await store.figures().tokens.list == [5, 0, 0, 0, 9])
        }
    }

    /// Equal rows, a row without a request, another request of the same message.
    @Test func requestsTellCallsApartWhereBothHaveOne() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(message: "m", request: "r1", tokens: [1, 0, 0, 0, 1]),
                UsageLine(message: "m", tokens: [2, 0, 0, 0, 2]),
                UsageLine(message: "m", request: "r2", tokens: [4, 0, 0, 0, 4]),
                UsageLine(message: "n", request: "r1", tokens: [8, 0, 0, 0, 8]),
                UsageLine(tokens: [16, 0, 0, 0, 16]), UsageLine(tokens: [16, 0, 0, 0, 16]),
            ])
            let figures = try await store.figures()
            #expect(figures.requests == 5)
            #expect(figures.tokens.input == 2 + 4 + 8 + 16 + 16)
        }
    }

    /// A side conversation writes the main one's rows once more, with requests of its own.
    @Test(arguments: [false, true]) func sidechainsRepeatTheMainConversation(
        _ sideFirst: Bool
    ) async throws {
        let main = UsageLine(message: "m", request: "r1", tokens: [7, 0, 0, 0, 7])
        var side = UsageLine(
            message: "m", request: "r2", agent: "a", tokens: [9, 0, 0, 0, 9], isFinal: true)
        side.isSidechain = true
        try await withStore { store in
            try await store.commit(usage: sideFirst ? [side] : [main, main], from: "a")
            try await store.commit(usage: sideFirst ? [main, main] : [side], from: "b")
            let figures = try await store.figures()
            #expect(figures.requests == 1)
            #expect(figures.tokens.list == [7, 0, 0, 0, 7])
        }
    }

    @Test func copiesInOtherFilesMoveNothing() async throws {
        try await withStore { store in
            try await store.commit(
                usage: [UsageLine(message: "m", session: "old", tokens: [1, 0, 0, 0, 1])],
                from: "old")
            // Forks tell the parent's rows under their own session.
            try await store.commit(
                usage: [UsageLine(message: "m", session: "fork", tokens: [5, 0, 0, 0, 5])],
                from: "fork")
            #expect(try await store.figures().tokens.input == 1)
            try await store.commit(
                usage: [
                    UsageLine(
                        message: "m", session: "resumed", tokens: [3, 0, 0, 0, 3], isFinal: true)
                ], from: "resumed")
            let groups = try await store.costs([.column(.session)]).groups.rows
            #expect(groups.map(\.group[0].value) == [.string("old")])
            #expect(groups[0].figures.tokens.input == 3)
        }
    }

    @Test func syntheticRowsAreNoCalls() async throws {
        try await withStore { store in
            try await store.commit(usage: [
                UsageLine(message: "m", tokens: [1, 0, 0, 0, 1]),
                UsageLine(message: "x", model: "<synthetic>", isSynthetic: true),
                UsageLine(message: "n", model: nil, tokens: [1, 0, 0, 0, 1]),
            ])
            let groups = try await store.costs([.column(.model)]).groups.rows
            // The third call's model is the session's, not the client's word for none.
            #expect(groups.map(\.group[0].value) == [.string("claude-opus-4-5")])
            #expect(groups[0].figures.requests == 2)
            #expect(try await store.tally().stored == 3)
        }
    }

    @Test func furtherRecordsOfALineAreNotCountedAgain() async throws {
        try await withStore { store in
            var source = try await TestSource(store)
            var builder = BatchBuilder()
            builder.add(EventLine(time: 1, session: "s"))
            builder.add(UsageLine(message: "m", tokens: [1, 0, 0, 0, 1], isFurther: true))
            try await store.commit(source.batch(builder))
            let tally = try await store.tally()
            #expect(tally.received == 1 && tally.stored == 1 && tally.isBalanced)
            #expect(try await store.figures().requests == 1)
        }
    }

    /// Random rows in random files, against the rules in a few lines.
    @Test(arguments: 0..<12) func anyRowsInAnyOrder(_ run: Int) async throws {
        var random = SeededGenerator(seed: UInt64(run) &+ 77)
        try await withStore { store in
            var model = CallModel()
            for _ in 0..<40 {
                let file = Int.random(in: 0..<4, using: &random)
                let lines = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                    var line = UsageLine(
                        time: Double(Int.random(in: 0..<1_000, using: &random)),
                        message: "m\(Int.random(in: 0..<25, using: &random))",
                        session: "s\(file)",
                        tokens: (0..<5).map { _ in Int64.random(in: 0..<1_000, using: &random) })
                    let request = Int.random(in: 0..<4, using: &random)
                    line.request = request == 0 ? nil : "r\(request)"
                    line.isFinal = Bool.random(using: &random)
                    line.isSidechain = Int.random(in: 0..<5, using: &random) == 0
                    return line
                }
                for line in lines { model.tell(line, file: file) }
                try await store.commit(usage: lines, from: "f\(file)")
            }
            let figures = try await store.figures()
            #expect(figures.requests == model.calls.count, "seed \(run)")
            #expect(figures.tokens == model.tokens, "seed \(run)")
            let bySession = try await store.costs([.column(.session)]).groups.rows
            for group in bySession {
                guard case .string(let name) = group.group[0].value else { continue }
                let own = model.calls.filter { $0.session == name }
                #expect(group.figures.requests == own.count, "seed \(run)")
            }
            #expect(try await store.tally().isBalanced)
        }
    }
}

/// The rules, naively.
private struct CallModel {
    struct Call {
        var line: UsageLine
        var file: Int
        var session: String?
        var request: String?
    }

    var calls: [Call] = []

    var tokens: TokenCounts {
        calls.reduce(into: TokenCounts()) { $0.add($1.line.counts) }
    }

    mutating func tell(_ line: UsageLine, file: Int) {
        let same = calls.indices.filter { calls[$0].line.message == line.message }
        let exact = same.first { line.request != nil && calls[$0].request == line.request }
        let loose = same.first {
            line.request == nil || calls[$0].request == nil
                || line.isSidechain || calls[$0].line.isSidechain
        }
        guard let index = exact ?? loose else {
            calls.append(
                Call(line: line, file: file, session: line.session, request: line.request))
            return
        }
        let known = calls[index]
        if known.request == nil { calls[index].request = line.request }
        if line.isSidechain != known.line.isSidechain {
            guard known.line.isSidechain else { return }
            calls[index].request = line.request ?? calls[index].request
        } else if file == known.file {
            guard line.isFinal || !known.line.isFinal else { return }
        } else {
            guard line.isFinal, !known.line.isFinal else { return }
        }
        calls[index].line = line
        calls[index].file = file
    }
}
