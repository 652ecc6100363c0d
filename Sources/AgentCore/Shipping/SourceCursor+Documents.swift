import QuipuModel
import QuipuProtocol

/// What a look at a document brought besides its bytes.
struct DocumentLook {
    /// Of everything before `next`, when it was to be verified.
    var prefix: DocumentPrefix?
    /// Another number whenever the document may have changed.
    var stamp: Int64
    /// It changed while it was looked at.
    var isTorn: Bool
}

/// What is remembered of a document, which its writer writes anew whenever something is added.
struct DocumentState: Equatable {
    /// It is not what it was: its writer may be in the middle of writing. Left alone until
    /// `settled`.
    fileprivate(set) var isSettling = false
    /// Its writer had time to finish.
    fileprivate var hasSettled = false
    /// Everything before `next`, as verified or shipped.
    fileprivate var prefix: DocumentPrefix?
    /// Everything before `scanned`.
    fileprivate var scannedPrefix: DocumentPrefix?
    /// Everything before `longRecordEnd`.
    fileprivate var longPrefix: DocumentPrefix?
    fileprivate var stamp: Int64?

    /// Nobody will write it any more.
    mutating func isLeft() {
        isSettling = false
        hasSettled = true
    }

    /// A part of a long record went by, whose end was found or not.
    mutating func scanned(_ chunk: SourceCursor.Chunk, to end: UInt64?) {
        longPrefix = nil
        guard var prefix = scannedPrefix else { return }
        guard let end else {
            prefix.combine(chunk.bytes)
            scannedPrefix = prefix
            return
        }
        guard end >= chunk.from else { return }
        let count = Int(end - chunk.from)
        prefix.combine(UnsafeRawBufferPointer(rebasing: chunk.bytes.prefix(count)))
        longPrefix = prefix
    }
}

extension SourceCursor {
    /// Nothing can be done until its writer has gone on.
    var isBeingRewritten: Bool {
        document.isSettling || mustVerify && next > 0 && size == 0 && ending == .none
    }

    mutating func documentChanged() {
        mustVerify = true
        forgetScan()
    }

    /// The time that its writer had to finish is over.
    mutating func settled() {
        guard document.isSettling else { return }
        document.isSettling = false
        document.hasSettled = true
        documentChanged()
    }

    /// Bytes of a document count only if all before them is still what it was, at the same moment.
    mutating func tookDocument(_ chunk: Chunk, _ look: DocumentLook) -> Shipment? {
        size = chunk.size
        if look.isTorn {
            documentChanged()
            document.isSettling = ending == .none
            return nil
        }
        if mustVerify {
            guard size >= next, let prefix = look.prefix, prefix.count == next,
                next == 0 || prefix.head == head
            else { return differs() }
            mustVerify = false
            document.hasSettled = false
            document.prefix = prefix
            document.stamp = look.stamp
        } else if look.stamp != document.stamp {
            documentChanged()
            return nil
        }
        if chunk.bytes.isEmpty { return chunk.wantedBytes > 0 ? pausedForWant() : nil }
        let isFromNext = chunk.from == next
        let shipment = records(in: chunk)
        if isFromNext { extendPrefix(by: chunk.bytes, shipped: shipment?.range.count ?? 0) }
        return shipment
    }

    private mutating func extendPrefix(by bytes: UnsafeRawBufferPointer, shipped: Int) {
        guard var prefix = document.prefix else { return }
        prefix.combine(UnsafeRawBufferPointer(rebasing: bytes.prefix(shipped)))
        document.prefix = prefix
        if shipped > 0 { head = prefix.head }
        prefix.combine(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(shipped)))
        document.scannedPrefix = prefix
    }

    mutating func passedLongRecord() {
        document.prefix = document.longPrefix
        head = document.prefix?.head ?? head
    }

    private mutating func differs() -> Shipment? {
        if size == 0 {
            // Cut, and not written yet; where nobody will, what was read of it was all.
            mustVerify = ending == .none
        } else if document.hasSettled {
            // Nothing is lost: what was not read is written again, or is not part of it any more.
            restart(.rewritten, knownBytes: 0)
        } else {
            document.isSettling = true
        }
        return nil
    }
}
