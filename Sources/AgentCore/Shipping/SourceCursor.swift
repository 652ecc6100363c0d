import Platform
import QuipuModel
import QuipuProtocol

/// One source's place: what it holds, what was sent of it, what the daemon has. A pure state
/// machine: it is told what happened and says what to do next; it keeps offsets and never content.
struct SourceCursor: Sendable, Equatable {
    enum Phase: Equatable {
        /// The daemon was not asked on this connection where to go on.
        case unasked
        case opening
        case open(id: Int64)
        /// A request was refused: once everything in flight is answered, ask again.
        case refused
        /// Nothing will follow, and the daemon has all.
        case finished
    }

    enum Ending: Equatable {
        case none
        /// Nothing more will be written.
        case complete
        /// What was not read can be read no more.
        case destroyed
    }

    /// A restart that the daemon has not confirmed yet.
    struct PendingRestart: Equatable {
        var cause: IngestOpen.Restart.Cause
        /// How large the old content was known to be.
        var knownBytes: UInt64
        /// The incarnation that it ends; nil when the daemon has not told one yet.
        var incarnation: Int64?
        /// What was said of `knownBytes` when it was first sent. The same is said until the daemon
        /// confirms; what was cut since is of the next incarnation.
        var saidBytes: UInt64?
    }

    private let bounds: ShippingBounds
    private(set) var kind: SourceKind
    private(set) var phase = Phase.unasked
    private(set) var ending = Ending.none
    /// False where the daemon has the end in memory only: another one may ask for it again.
    private(set) var isDurable = true
    /// Nobody will ask for it any more.
    var isOver: Bool { phase == .finished && isDurable }
    /// How large the source is, as last seen.
    var size: UInt64
    /// How large it was when its head last proved that it was not rewritten.
    private var verifiedSize: UInt64 = 0
    /// The largest that it was seen to be since then.
    private var seenSize: UInt64 = 0
    /// Everything before is in the database.
    private(set) var acknowledged: UInt64 = 0
    /// The next byte to send.
    private(set) var next: UInt64 = 0
    /// No record ends between `next` and here.
    var scanned: UInt64 = 0
    /// The record from `next` on, as far as it was scanned.
    var partial = PartialRecord.none
    /// Where the record from `next` on ends, when it is too long for the buffer.
    var longRecordEnd: UInt64?
    /// The source may have been rewritten: compare its head before anything else.
    var mustVerify = false
    var document = DocumentState()
    var head: SourceHead?
    /// Of a file: the bytes before `next`, as they were when they were sent. A file that was
    /// written anew may begin as before.
    private(set) var tail: SourceHead?
    /// Where those bytes end: at `next`, but for a connection that was lost.
    private var tailEnd: UInt64 = 0
    /// Of a file whose next record goes on behind `scanned`: the bytes before there, as they were
    /// when they were scanned.
    var scannedTail: SourceHead?
    /// Of a file of which nothing was sent: its beginning when it was first read.
    private var scannedHead: SourceHead?
    private var incarnation: Int64?
    /// What was destroyed since something was last stored durably.
    private var destroyed = DestroyedContents()
    /// The daemon asks for an incarnation whose content is destroyed: what there was of it, and of
    /// those that came after. Until a look has found the same.
    private var goneBytes: UInt64?
    private(set) var pendingRestart: PendingRestart?
    private var openingRestarts = false
    private var finishSent = false
    /// Batches and skips that are not answered.
    private(set) var inFlight = 0
    /// It failed, or cannot be read: left alone until `resume`.
    private(set) var isPaused = false

    init(kind: SourceKind, size: UInt64, bounds: ShippingBounds = ShippingBounds()) {
        self.bounds = bounds
        self.kind = kind
        self.size = size
    }

    /// What its content must begin with, and have before `next`, to be what was read of it.
    var proof: ContentProof { ContentProof(head: head ?? scannedHead, tail: tail, end: next) }

    /// True when the daemon has all whole lines that the source is known to hold.
    var isCaughtUp: Bool {
        guard case .open = phase else { return phase == .finished || size == 0 && !hasLoss }
        return inFlight == 0 && !document.isSettling && step == nil
    }

    /// There is nothing to tell of it.
    private var isEmpty: Bool { size == 0 && acknowledged == 0 && !hasLoss }

    /// It was cut before the daemon could be told what it held.
    private var hasLoss: Bool {
        !destroyed.isEmpty || pendingRestart.map { $0.knownBytes > acknowledged } ?? false
    }

    /// Bytes that the daemon does not have.
    var backlogBytes: UInt64 { size > acknowledged ? size - acknowledged : 0 }
}

// MARK: - What to do next

extension SourceCursor {
    enum Step: Equatable {
        case open(IngestOpen.Restart?)
        /// Read up to `count` bytes (0: only verify) and hand them to `took`.
        case read(from: UInt64, count: Int)
        case ship(Shipment)
    }

    /// What goes to the daemon.
    enum Shipment: Equatable {
        /// Whole lines out of the bytes just read, or, when not buffered, still to be read.
        case batch(from: UInt64, to: UInt64, isBuffered: Bool, isLast: Bool)
        /// A line that is longer than allowed.
        case skip(from: UInt64, to: UInt64)
        /// Bytes that were destroyed before they could be read.
        case lost(from: UInt64, to: UInt64)

        var range: Range<UInt64> {
            switch self {
            case .batch(let from, let to, _, _), .skip(let from, let to), .lost(let from, let to):
                from..<to
            }
        }
    }

    /// What can be done now; nil when there is nothing or an answer must come first.
    var step: Step? {
        guard !isPaused else { return nil }
        switch phase {
        case .unasked: return isEmpty ? nil : .open(nil)
        case .opening, .refused, .finished: return nil
        case .open: break
        }
        if let pendingRestart {
            // The answers in flight tell how much of the old content was saved.
            guard inFlight == 0 else { return nil }
            let known = pendingRestart.saidBytes ?? pendingRestart.knownBytes
            let lost = known > acknowledged ? known - acknowledged : 0
            return .open(
                IngestOpen.Restart(
                    cause: pendingRestart.cause, lostBytes: lost,
                    incarnation: pendingRestart.incarnation,
                    position: pendingRestart.incarnation.map { _ in acknowledged }))
        }
        guard !finishSent else { return nil }
        if ending == .destroyed {
            // Of a document only what closes its array is left, or what will be written again.
            let end = goneBytes.map { $0.addingClamped(size) } ?? size
            let hasLost = kind != .document && end > next
            return .ship(hasLost ? .lost(from: next, to: end) : lastBatch(to: next))
        }
        if kind == .document, isBeingRewritten { return nil }
        if let longRecordEnd { return .ship(record(to: longRecordEnd)) }
        if mustVerify || size > scanned { return readStep }
        guard ending == .complete else { return nil }
        let rest = size > next ? size - next : 0
        if rest > bounds.lineBytesMax { return .ship(.skip(from: next, to: size)) }
        return .ship(lastBatch(to: max(size, next)))
    }

    private var readStep: Step {
        let isShort = scanned - next <= UInt64(bounds.rereadBytesMax)
        let from = isShort ? next : scanned
        let count = size > from ? min(size - from, UInt64(bounds.batchBytes)) : 0
        return .read(from: from, count: Int(count))
    }

    private func lastBatch(to: UInt64) -> Shipment {
        .batch(from: next, to: to, isBuffered: false, isLast: true)
    }

    private func record(to end: UInt64) -> Shipment {
        end - 1 - next > UInt64(bounds.lineBytesMax)
            ? .skip(from: next, to: end)
            : .batch(from: next, to: end, isBuffered: false, isLast: false)
    }

    /// The request that `step` asked for was written to the connection.
    mutating func sent(_ step: Step) {
        switch step {
        case .open(let restart):
            phase = .opening
            openingRestarts = restart != nil
            if let pendingRestart, openingRestarts {
                self.pendingRestart?.saidBytes =
                    pendingRestart.saidBytes ?? pendingRestart.knownBytes
            }
        case .read: break
        case .ship(let shipment): sent(shipment)
        }
    }

    private mutating func sent(_ shipment: Shipment) {
        inFlight += 1
        next = shipment.range.upperBound
        // What is streamed or skipped was scanned: without its head nobody could tell later whether
        // the file is still the same.
        if head == nil, let scannedHead, scannedHead.bytes <= next { head = scannedHead }
        // Of what is streamed or skipped, what was scanned of it last is known.
        tail = nil
        if next == scanned, let scannedTail { keepTail(scannedTail) }
        scannedTail = nil
        scanned = max(scanned, next)
        if longRecordEnd != nil, kind == .document { passedLongRecord() }
        longRecordEnd = nil
        partial = .none
        if case .batch(_, _, _, isLast: true) = shipment { finishSent = true }
    }
}

// MARK: - What happened to the source

extension SourceCursor {
    /// Its size was looked at. `hasChanged`: something may have been written since the last look.
    mutating func saw(size: UInt64, hasChanged: Bool) {
        let before = self.size
        self.size = size
        guard kind != .datagrams, phase != .finished else { return }
        if kind == .document {
            if hasChanged { documentChanged() }
        } else if size < before {
            shrank(from: before)
        } else if hasChanged, size == before, next > 0 {
            mustVerify = true
        }
    }

    private mutating func shrank(from before: UInt64) {
        seenSize = max(seenSize, before)
        if let known = pendingRestart?.knownBytes {
            pendingRestart?.knownBytes = known.addingClamped(seenSize - size)
            seenSize = size
        } else if size < next {
            restart(.truncated, knownBytes: seenSize)
        } else if next == 0 {
            restart(.truncated, knownBytes: seenSize - size)
        } else {
            // Only the unfinished line was cut; what was sent still stands, if the head says so.
            forgetScan()
            mustVerify = true
        }
    }

    /// Nothing more will be written; or, when destroyed, nothing more can be read.
    mutating func end(_ ending: Ending) {
        self.ending = ending
        isPaused = false
        document.isLeft()
        if phase == .unasked, isEmpty { phase = .finished }
    }

    /// What a read brought.
    struct Chunk {
        var from: UInt64
        var wantedBytes: Int
        var bytes: UnsafeRawBufferPointer
        /// The source's size after the bytes were read.
        var size: UInt64
        /// The source's first bytes (up to `Limits.headBytes`), read after `bytes` were.
        var head = UnsafeRawBufferPointer(start: nil, count: 0)
        /// The last of `bytes` (up to `Limits.headBytes`), read once more after the size was seen;
        /// nil where nothing can have been written anew.
        var again: UnsafeRawBufferPointer?
        /// The bytes before `next`: as many as the cursor's tail has, if it has one; none when
        /// `next` is the beginning.
        var tail = UnsafeRawBufferPointer(start: nil, count: 0)
        /// The bytes before `scanned`: as many as the cursor's `scannedTail` has, if it has one.
        var scannedTail = UnsafeRawBufferPointer(start: nil, count: 0)
        /// What was seen of a document besides.
        var look: DocumentLook?
        /// The size once more, after all was read; nil where nothing can have been cut.
        var sizeAfter: UInt64?

        /// What was read twice was the same: the head was read after the bytes, too.
        fileprivate var agreesWithItself: Bool {
            if let again, !bytes.suffix(Limits.headBytes).elementsEqual(again) { return false }
            guard from < UInt64(head.count) else { return true }
            let rest = UnsafeRawBufferPointer(rebasing: head[Int(from)...])
            let count = min(rest.count, bytes.count)
            return bytes.prefix(count).elementsEqual(rest.prefix(count))
        }
    }

    /// Takes what `read` asked for; gives the batch that goes out now, if any.
    mutating func took(_ chunk: Chunk) -> Shipment? {
        guard case .open = phase, pendingRestart == nil else { return nil }
        if let look = chunk.look { return tookDocument(chunk, look) }
        mustVerify = false
        let end = chunk.from + UInt64(chunk.bytes.count)
        guard kind == .file else {
            guard end > next else { return pausedForWant() }
            size = max(size, end)
            return taken(to: end, scanned: end)
        }
        let sizeBefore = size
        let before = max(size, chunk.size)
        let sizeAfter = chunk.sizeAfter ?? chunk.size
        seenSize = max(seenSize, before)
        size = min(chunk.size, sizeAfter)
        guard size >= next else {
            restart(.truncated, knownBytes: max(seenSize, verifiedSize))
            return nil
        }
        // A last line without its newline was stored where the source ends, and nowhere else.
        let followsLine = chunk.tail.last.map { $0 == UInt8(ascii: "\n") } ?? true
        let isOneContent = chunk.agreesWithItself
        guard followsLine || size == next, isOneContent, matchesTail(chunk.tail),
            matchesHead(chunk.head)
        else {
            var known = knownBytes(ofSeen: seenSize, cutTo: size)
            // Written anew between two reads: what was seen before the first is of what has gone.
            if !isOneContent { known = max(known, sizeBefore) }
            // Of the new content, so that nobody takes it for cut once more.
            size = sizeAfter
            restart(.rewritten, knownBytes: known)
            return nil
        }
        verifiedSize = size
        if size < before || end > size {
            // It was cut while it was read: the bytes may be of either content.
            shrank(from: max(before, end))
            return nil
        }
        seenSize = sizeAfter
        if let scannedTail, !chunk.scannedTail.isEmpty,
            SourceHead.of(chunk.scannedTail) != scannedTail
        {
            // What was sent stands; what goes on there is of another record.
            forgetScan()
            return nil
        }
        if chunk.bytes.isEmpty { return chunk.wantedBytes > 0 ? pausedForWant() : nil }
        return records(in: chunk)
    }

    /// How much was destroyed when a file of `before` bytes has other content and was seen with
    /// `now` bytes: what had `before` may have been the old content, or a new one that was cut.
    private func knownBytes(ofSeen before: UInt64, cutTo now: UInt64) -> UInt64 {
        guard now < before else { return verifiedSize }
        return max(verifiedSize, min(before, (before - now).addingClamped(verifiedSize)))
    }

    mutating func taken(
        to: UInt64, scanned end: UInt64, head bytes: UnsafeRawBufferPointer? = nil
    ) -> Shipment {
        let shipment = Shipment.batch(from: next, to: to, isBuffered: true, isLast: false)
        if let bytes, (head?.bytes ?? 0) < min(Limits.headBytes, Int(clamping: to)) {
            head = .of(UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(clamping: to))))
        }
        sent(shipment)
        scanned = end
        return shipment
    }

    private mutating func matchesHead(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let known = head ?? scannedHead else {
            // A line that goes on is not sent yet, but what follows must belong to it.
            if !bytes.isEmpty { scannedHead = .of(bytes) }
            return true
        }
        guard bytes.count >= known.bytes else { return false }
        return SourceHead.of(UnsafeRawBufferPointer(rebasing: bytes.prefix(known.bytes))) == known
    }

    private mutating func matchesTail(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return true }
        let found = SourceHead.of(bytes)
        if let tail { return found == tail }
        keepTail(found)
        return true
    }

    mutating func keepTail(_ found: SourceHead) {
        tail = found
        tailEnd = next
    }

    /// There should have been bytes and were none: not again at once.
    mutating func pausedForWant() -> Shipment? {
        isPaused = true
        return nil
    }

    mutating func forgetScan() {
        scanned = next
        scannedHead = nil
        scannedTail = nil
        partial = .none
        longRecordEnd = nil
    }

    mutating func restart(_ cause: IngestOpen.Restart.Cause, knownBytes: UInt64) {
        // What is gone is of an earlier content; of this one, what was cut.
        let cut = seenSize > size ? seenSize - size : 0
        let known = goneBytes.map { $0.addingClamped(cut) } ?? knownBytes
        if goneBytes != nil { destroyed = DestroyedContents() }
        goneBytes = nil
        pendingRestart = PendingRestart(
            cause: cause, knownBytes: known, incarnation: incarnation)
        seenSize = size
    }

    /// It cannot be read now.
    mutating func pause() { isPaused = true }
    mutating func resume() { isPaused = false }
}

// MARK: - What the daemon said

extension SourceCursor {
    /// The answer to `open`.
    struct Opened: Equatable, Sendable {
        var id: Int64
        var incarnation: Int64
        var position: UInt64
        var head: SourceHead?
    }

    /// Only before it is opened: its beginning says of which kind it is.
    mutating func settleKind(_ kind: SourceKind) { self.kind = kind }

    mutating func opened(_ answer: Opened) {
        phase = .open(id: answer.id)
        noteDestroyed(answer)
        // Decided on by what this agent had read; the daemon has something else, from another one.
        let hasMoved =
            answer.incarnation == pendingRestart?.incarnation && answer.position != acknowledged
        if hasMoved, kind == .file, answer.position == 0, !openingRestarts,
            let pending = pendingRestart
        {
            // Only memory had it, which has gone: what was decided stands.
            pendingRestart?.knownBytes = max(pending.knownBytes, acknowledged)
            pendingRestart?.saidBytes = nil
        } else if let pending = pendingRestart,
            openingRestarts || hasMoved || answer.incarnation > pending.incarnation ?? .max
        {
            // Also when the answer to the restart itself was lost with the connection.
            pendingRestart = nil
            // Not begun, because another agent has gone on meanwhile: a look decides again.
            let isSame = answer.incarnation == pending.incarnation && answer.position > 0
            verifiedSize = isSame ? max(verifiedSize, pending.knownBytes) : 0
            if let said = pending.saidBytes, pending.knownBytes > said, answer.position == 0 {
                pendingRestart = PendingRestart(
                    cause: .truncated, knownBytes: pending.knownBytes - said,
                    incarnation: answer.incarnation)
            }
        }
        openingRestarts = false
        settleEarlyRestart(answer)
        findGone(answer)
        // What was seen is of another content than what the daemon asks for.
        if let incarnation, incarnation != answer.incarnation { verifiedSize = 0 }
        if incarnation != answer.incarnation || tailEnd != answer.position { tail = nil }
        incarnation = answer.incarnation
        acknowledged = answer.position
        next = answer.position
        forgetScan()
        head = answer.head.flatMap { (1...Limits.headBytes).contains($0.bytes) ? $0 : nil }
        finishSent = false
        // Where the source was last seen to be shorter than that, another agent may have seen more
        // of it: a look decides.
        mustVerify = kind == .document || kind == .file && next > 0
        document = DocumentState()
    }

    /// A restart that ended an incarnation: a store that has not heard of it may ask again.
    private mutating func noteDestroyed(_ answer: Opened) {
        guard kind == .file, let pending = pendingRestart, let ended = pending.incarnation,
            answer.incarnation != ended
        else { return }
        let isEarlier = answer.incarnation < ended
        let told = isEarlier ? pending.knownBytes : pending.saidBytes ?? pending.knownBytes
        destroyed.add(ended, bytes: max(told, acknowledged))
        // It was of a store that has gone.
        if isEarlier { pendingRestart = nil }
    }

    /// A store that was not told of restarts, because memory stood in for it, asks for what they
    /// destroyed.
    private mutating func findGone(_ answer: Opened) {
        goneBytes = destroyed.bytes(since: answer.incarnation, position: answer.position)
        guard let bytes = goneBytes, answer.position == 0, pendingRestart == nil else { return }
        // Nothing of it was stored that a look could compare.
        destroyed = DestroyedContents()
        goneBytes = nil
        pendingRestart = PendingRestart(
            cause: .truncated, knownBytes: bytes, incarnation: answer.incarnation)
    }

    /// A restart that was decided on before the daemon told which incarnation there is: another
    /// agent may have begun the next one. A look decides, where there is something to compare.
    private mutating func settleEarlyRestart(_ answer: Opened) {
        guard let pending = pendingRestart, pending.incarnation == nil else { return }
        if answer.position > 0 {
            verifiedSize = max(verifiedSize, pending.knownBytes)
            pendingRestart = nil
        } else {
            pendingRestart?.incarnation = answer.incarnation
        }
    }

    /// A batch or a skip is in the database.
    mutating func advanced(to position: UInt64, isDurable: Bool = true) {
        acknowledged = position
        self.isDurable = isDurable
        if isDurable {
            // The store that has this has been told of all before it.
            destroyed = DestroyedContents()
            goneBytes = nil
        }
        answered()
        if finishSent, inFlight == 0, phase != .refused { phase = .finished }
    }

    /// A batch or a skip was refused: its `from` was not the position, or the daemon forgot the
    /// source.
    mutating func refused() {
        if case .open = phase { phase = .refused }
        // Another agent may have sent what was there before or after.
        tail = nil
        answered()
    }

    /// The daemon would not open the source, for a reason that may pass.
    mutating func openFailed() {
        phase = .unasked
        openingRestarts = false
        isPaused = true
    }

    private mutating func answered() {
        inFlight -= 1
        if phase == .refused, inFlight == 0 { phase = .unasked }
    }

    /// The connection is gone, and with it everything that was in flight.
    mutating func disconnected() {
        guard !isOver else { return }
        phase = .unasked
        inFlight = 0
        next = acknowledged
        finishSent = false
        openingRestarts = false
        forgetScan()
    }
}
