import QuipuModel
import QuipuProtocol
import Testing

@testable import AgentCore

/// A file is cut while only memory has what was read of it; then the database is back, which was
/// told of nothing.
@Suite struct ShippingMemoryTests {
    private func open(
        _ cursor: inout SourceCursor, _ incarnation: Int64, at position: UInt64,
        head: String? = nil
    ) {
        if let step = cursor.step { cursor.sent(step) }
        let head = head.map { Array($0.utf8).withUnsafeBytes { SourceHead.of($0) } }
        cursor.opened(.init(id: 7, incarnation: incarnation, position: position, head: head))
    }

    private func take(_ cursor: inout SourceCursor, _ content: String) {
        cursor.saw(size: UInt64(content.utf8.count), hasChanged: true)
        guard case .read(let from, let count)? = cursor.step else { return }
        Array(content.utf8).withUnsafeBytes { bytes in
            let start = min(Int(from), bytes.count)
            _ = cursor.took(
                .init(
                    from: from, wantedBytes: count,
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(count)),
                    size: UInt64(bytes.count),
                    head: UnsafeRawBufferPointer(rebasing: bytes.prefix(Limits.headBytes))))
        }
    }

    private func restart(
        _ cause: IngestOpen.Restart.Cause, lost: UInt64, _ incarnation: Int64,
        at position: UInt64
    ) -> SourceCursor.Step {
        .open(
            .init(cause: cause, lostBytes: lost, incarnation: incarnation, position: position))
    }

    /// Three bytes are in the database, six more in memory; then it is cut twice.
    private func cutInMemory() -> SourceCursor {
        var cursor = SourceCursor(kind: .file, size: 0)
        cursor.saw(size: 3, hasChanged: true)
        open(&cursor, 1, at: 0)
        take(&cursor, "ab\n")
        cursor.advanced(to: 3)
        cursor.disconnected()
        open(&cursor, 1, at: 3, head: "ab\n")
        take(&cursor, "ab\ncd\nef\n")
        cursor.advanced(to: 9, isDurable: false)
        cursor.saw(size: 0, hasChanged: true)
        #expect(cursor.step == restart(.truncated, lost: 0, 1, at: 9))
        open(&cursor, 2, at: 0)
        take(&cursor, "gh\n")
        cursor.advanced(to: 3, isDurable: false)
        cursor.saw(size: 0, hasChanged: true)
        #expect(cursor.step == restart(.truncated, lost: 0, 2, at: 3))
        open(&cursor, 3, at: 0)
        return cursor
    }

    @Test func whatOnlyMemoryHadIsToldOnce() {
        var cursor = cutInMemory()
        take(&cursor, "ij\n")
        cursor.advanced(to: 3, isDurable: false)
        cursor.disconnected()
        open(&cursor, 1, at: 3, head: "ab\n")
        take(&cursor, "ij\n")
        #expect(cursor.step == restart(.rewritten, lost: 6 + 3, 1, at: 3))
        open(&cursor, 2, at: 0)
        take(&cursor, "ij\n")
        cursor.advanced(to: 3)
        cursor.disconnected()
        open(&cursor, 2, at: 3, head: "ij\n")
        take(&cursor, "ij\n")
        #expect(cursor.step == nil)
        cursor.saw(size: 0, hasChanged: true)
        #expect(cursor.step == restart(.truncated, lost: 0, 2, at: 3))
    }

    /// The restart reached memory again, and the database asks once more.
    @Test func itIsToldToWhoeverHasNotHeardOfIt() {
        var cursor = cutInMemory()
        for _ in 0..<3 {
            cursor.disconnected()
            open(&cursor, 1, at: 3, head: "ab\n")
            take(&cursor, "")
            #expect(cursor.step == restart(.truncated, lost: 6 + 3, 1, at: 3))
            open(&cursor, 2, at: 0)
            #expect(cursor.step == nil)
        }
    }

    @Test func anEmptyFileIsAskedAboutWhileSomethingIsToBeTold() {
        var cursor = SourceCursor(kind: .file, size: 3)
        open(&cursor, 1, at: 0)
        take(&cursor, "ab\n")
        cursor.advanced(to: 3, isDurable: false)
        cursor.saw(size: 0, hasChanged: true)
        open(&cursor, 2, at: 0)
        cursor.disconnected()
        #expect(!cursor.isCaughtUp)
        #expect(cursor.step == .open(nil))
        open(&cursor, 1, at: 0)
        #expect(cursor.step == restart(.truncated, lost: 3, 1, at: 0))
    }

    @Test func aCutThatNobodyWasToldOfIsNotForgotten() {
        var cursor = SourceCursor(kind: .file, size: 3)
        open(&cursor, 1, at: 0)
        take(&cursor, "ab\n")
        cursor.advanced(to: 3, isDurable: false)
        cursor.saw(size: 0, hasChanged: true)
        cursor.disconnected()
        #expect(cursor.step == .open(nil))
        open(&cursor, 1, at: 0)
        #expect(cursor.step == restart(.truncated, lost: 3, 1, at: 0))
    }

    /// Deleted, and nothing can be read of it any more: the range says what there was.
    @Test func ofADeletedFileTheRangeTellsIt() {
        var cursor = cutInMemory()
        take(&cursor, "ij\n")
        cursor.advanced(to: 3, isDurable: false)
        cursor.end(.destroyed)
        cursor.disconnected()
        open(&cursor, 1, at: 3, head: "ab\n")
        #expect(cursor.step == .ship(.lost(from: 3, to: 3 + 6 + 3 + 3)))
    }
}
