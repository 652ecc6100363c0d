import QuipuModel
import Testing

@testable import QuipuStore

/// Elements of documents: told again and again, stored once.
@Suite struct ElementTests {
    private struct Document {
        let store: SQLiteStore
        var identity = SourceIdentity(
            host: "here", kind: .document, key: "path:/a.json", path: "/a.json")
        var id: Int64 = 0
        var position: UInt64 = 0

        mutating func open(restart: Bool) async throws -> SourceState {
            let state = try await store.open(
                identity, size: 100,
                restart: restart ? SourceRestart(cause: "rewritten", lostBytes: 0) : nil,
                at: at(0))
            id = state.id
            position = state.position
            return state
        }

        mutating func add(_ elements: [UInt64]) async throws {
            var builder = BatchBuilder()
            for element in elements { builder.add(EventLine(time: 1, kind: "k\(element)")) }
            var decoded = builder.decoded
            for (index, element) in elements.enumerated() {
                decoded.events[index].element = element
            }
            let batch = PendingBatch(
                sourceID: id, from: position, to: position + 10, size: 100, head: nil,
                finished: false, decoded: decoded)
            position += 10
            try await store.commit(batch)
        }

        func kinds() async throws -> [String] { try await store.allEvents().map(\.kind) }
    }

    @Test func occurrenceTellsElementsApart() async throws {
        try await withStore { store in
            var document = Document(store: store)
            _ = try await document.open(restart: false)
            try await document.add([1, 2, 2])
            try await document.add([3])
            #expect(try await document.kinds() == ["k1", "k2", "k2", "k3"])
            // Trimmed at the front, grown at the end, one more of what was there twice.
            let state = try await document.open(restart: true)
            #expect(state.incarnation == 2 && state.position == 0)
            try await document.add([2, 2, 3, 2])
            try await document.add([4])
            #expect(try await document.kinds() == ["k1", "k2", "k2", "k3", "k2", "k4"])
            // Written anew as it was, in other batches.
            _ = try await document.open(restart: true)
            try await document.add([2])
            try await document.add([2, 3, 2, 4])
            #expect(try await document.kinds().count == 6)
            let ledger = try await store.ledger(PageRequest())
            #expect(ledger.total.isBalanced)
            #expect(ledger.total.stored == 6 && ledger.total.merged == 8)
            #expect(ledger.sources.rows.count == 1)
        }
    }

    @Test func aRenamedDocumentKeepsItsAccount() async throws {
        try await withStore { store in
            var document = Document(store: store)
            let first = try await document.open(restart: false)
            try await document.add([1, 2])
            document.identity.formerKey = document.identity.key
            document.identity.key = "path:/b.json"
            document.identity.path = "/b.json"
            let renamed = try await document.open(restart: false)
            #expect(renamed.id == first.id && renamed.position == 10)
            var other = Document(store: store)
            let fresh = try await other.open(restart: false)
            #expect(fresh.id != first.id && fresh.position == 0)
            try await other.add([1])
            #expect(try await document.kinds() == ["k1", "k2", "k1"])
        }
    }

    @Test func elementsGoWithTheirDocument() async throws {
        try await withStore { store in
            var document = Document(store: store)
            _ = try await document.open(restart: false)
            try await document.add([1, 2])
            for _ in 0...Limits.elementPassesKept + 1 {
                _ = try await document.open(restart: true)
                try await document.add([2])
            }
            #expect(try await document.kinds() == ["k1", "k2"])
            _ = try await store.retain(RetentionPolicy(), at: at(10))
            _ = try await document.open(restart: true)
            try await document.add([1, 2])
            // The first was forgotten, the second comes every time.
            #expect(try await document.kinds() == ["k1", "k2", "k1"])
        }
    }
}
