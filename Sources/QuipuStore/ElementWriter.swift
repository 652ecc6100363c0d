import QuipuModel

/// Knows the elements of documents again, which their writers write anew with every change.
///
/// An element is known by what it says and how often it was said in this pass over the document,
/// not by its index, which shifts when elements are taken from the front.
final class ElementWriter {
    private let find: RawStatement
    private let store: RawStatement

    init(_ connection: OpaquePointer) throws {
        find = try RawStatement(
            connection,
            "SELECT count, pass, pass_count FROM elements WHERE document = ?1 AND hash = ?2")
        store = try RawStatement(
            connection, "INSERT OR REPLACE INTO elements VALUES (?1, ?2, ?3, ?4, ?5)")
    }

    /// Takes out of a batch what earlier passes have stored; those lines count as merged.
    func takeKnown(
        from batch: inout DecodedBatch, document: Int64, pass: Int, tally: inout Tally
    ) throws {
        var known: [UInt64: Bool] = [:]
        func isKnown(_ element: UInt64, _ offset: UInt64) throws -> Bool {
            guard element != 0 else { return false }
            if let answer = known[offset] { return answer }
            let answer = try count(element, document: document, pass: pass)
            known[offset] = answer
            return answer
        }
        for event in batch.events { _ = try isKnown(event.element, event.lineOffset) }
        for usage in batch.usages { _ = try isKnown(usage.element, usage.lineOffset) }
        guard known.values.contains(true) else { return }
        batch.events.removeAll { event in
            guard known[event.lineOffset] == true else { return false }
            if !event.isFurther { tally.merged += 1 }
            return true
        }
        batch.usages.removeAll { usage in
            guard known[usage.lineOffset] == true else { return false }
            if !usage.isFurther { tally.merged += 1 }
            return true
        }
    }

    /// Counts an element in this pass; true when it was stored before.
    private func count(_ element: UInt64, document: Int64, pass: Int) throws -> Bool {
        let hash = Int64(bitPattern: element)
        var stored: Int64 = 0
        var seen: Int64 = 0
        find.bind(1, document)
        find.bind(2, hash)
        if try find.step() {
            stored = find.int(0)
            seen = find.int(1) == Int64(pass) ? find.int(2) : 0
        }
        find.reset()
        seen += 1
        store.bind(1, document)
        store.bind(2, hash)
        store.bind(3, max(stored, seen))
        store.bind(4, Int64(pass))
        store.bind(5, seen)
        try store.run()
        return seen <= stored
    }
}
