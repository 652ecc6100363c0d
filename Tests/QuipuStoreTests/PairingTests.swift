import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct PairingTests {
    private static let opening = EventLine(
        time: 10, name: "Bash", status: .running, half: .opening, session: "s", toolUseID: "t1",
        attributes: #"{"cwd":"/a","hook":"pre"}"#,
        payload: #"{"tool_input":{"command":"ls"}}"#)
    private static let closing = EventLine(
        time: 12, name: "Bash", status: .error, half: .closing, session: "s", error: "exit 2",
        toolUseID: "t1", attributes: #"{"hook":"post","more":1}"#,
        payload: #"{"tool_response":{"stderr":"no"}}"#)

    @Test(arguments: [true, false], [true, false])
    func twoHalvesMakeOneRecordInEitherOrder(
        isOpeningFirst: Bool, isOneCommit: Bool
    ) async throws {
        try await withStore { store in
            let lines =
                isOpeningFirst ? [Self.opening, Self.closing] : [Self.closing, Self.opening]
            if isOneCommit {
                let receipt = try await store.commit(lines)
                #expect(receipt.created == 1...1)
                #expect(receipt.completed == [])
            } else {
                try await store.commit([lines[0]], from: "first")
                let receipt = try await store.commit([lines[1]], from: "second")
                #expect(receipt.created == nil)
                #expect(receipt.completed == [1])
            }
            let event = try #require(try await store.allEvents().first)
            #expect(event.time == at(10))
            #expect(event.status == .error)
            #expect(event.error == "exit 2")
            #expect(event.durationMs == 2_000)
            #expect(
                event.attributesJSON == #"{"cwd":"/a","hook":"post","more":1,"#
                    + #""tool_input":{"command":"ls"},"tool_response":{"stderr":"no"}}"#)
            let total = try await store.ledger(PageRequest()).total
            #expect(total.stored == 1)
            #expect(total.merged == 1)
            let session = try #require(try await store.session("s")).summary
            #expect(session.started == at(10))
            #expect(session.lastActivity == at(12))
            #expect(session.eventCount == 1)
            #expect(session.errors == 1)
            #expect(session.tools == [SessionSummary.ToolCount(name: "Bash", count: 1)])
        }
    }

    @Test func aRepeatedHalfChangesNothing() async throws {
        try await withStore { store in
            try await store.commit([Self.opening, Self.closing])
            let before = try await store.allEvents()
            var late = Self.closing
            late.status = .ok
            late.time = 99
            let receipt = try await store.commit([Self.opening, late, late], from: "again")
            #expect(receipt.created == nil)
            #expect(receipt.completed == [])
            #expect(try await store.allEvents() == before)
            #expect(try await store.ledger(PageRequest()).total.merged == 4)
        }
    }

    @Test func theClosingLinesOwnDurationWins() async throws {
        try await withStore { store in
            var closing = Self.closing
            closing.durationMs = 7
            try await store.commit([Self.opening, closing])
            #expect(try await store.allEvents().map(\.durationMs) == [7])
        }
    }

    @Test func noDurationFromATimeOfArrivalOrABackwardClock() async throws {
        try await withStore { store in
            var closing = Self.closing
            closing.timeIsArrival = true
            try await store.commit([Self.opening, closing])
            var opening = Self.opening
            opening.toolUseID = "t2"
            opening.time = 20
            closing.toolUseID = "t2"
            closing.timeIsArrival = false
            try await store.commit([closing, opening])
            #expect(try await store.allEvents().map(\.durationMs) == [nil, nil])
        }
    }

    @Test func theSameIDInAnotherSessionIsAnotherCall() async throws {
        try await withStore { store in
            var other = Self.closing
            other.session = "other"
            try await store.commit([Self.opening, other])
            #expect(try await store.allEvents().count == 2)
        }
    }

    private func half(
        _ half: CallHalf, _ time: Double, _ status: EventStatus = .ok, arrival: Bool = false
    ) -> EventLine {
        EventLine(
            time: time, timeIsArrival: arrival, name: "Read",
            status: half == .opening && status == .ok ? .running : status, half: half,
            session: "s")
    }

    @Test func withoutAnIDTheEarliestOnTheRightSidePairs() async throws {
        try await withStore { store in
            // All closings first, then all openings: as when the files are read one after the
            // other.
            try await store.commit([half(.closing, 2), half(.closing, 4), half(.closing, 6)])
            try await store.commit([half(.opening, 3), half(.opening, 1)], from: "pre")
            let events = try await store.allEvents()
            #expect(events.map(\.time) == [at(1), at(3), at(6)])
            #expect(events.map(\.durationMs) == [1_000, 1_000, nil])
        }
    }

    @Test func aBlockedCallWithoutAnIDWaitsForNothing() async throws {
        try await withStore { store in
            try await store.commit([
                half(.opening, 1, .blocked), half(.opening, 2), half(.closing, 3),
            ])
            let events = try await store.allEvents()
            #expect(events.map(\.status) == [.blocked, .ok])
            #expect(events.map(\.durationMs) == [nil, 1_000])
        }
    }

    @Test func aTimeOfArrivalFitsEitherSide() async throws {
        try await withStore { store in
            try await store.commit([half(.closing, 1, arrival: true), half(.opening, 5)])
            #expect(try await store.allEvents().map(\.time) == [at(5)])
        }
    }
}
