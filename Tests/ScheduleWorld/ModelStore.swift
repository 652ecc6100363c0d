package import QuipuModel
package import QuipuProtocol

/// A batch or a skip on its way into the store.
package struct Pending {
    package var sourceID: Int64
    package var kind: SourceKind
    package var from: UInt64
    package var to: UInt64
    package var head: SourceHead?
    package var finished = false
    package var body: [UInt8] = []
    /// A range that was destroyed.
    package var isLoss = false
    package var isSkip = false
    /// The connection that it came on.
    package var sender = 0
}

/// What the daemon's database is to a schedule.
package protocol ScheduleStore {
    mutating func open(_ open: IngestOpen, sender: Int) -> StoreSource
    /// One transaction. `crash`: the process dies in it.
    mutating func commit(_ batches: [Pending], crash: CommitCrash?) -> [StoreOutcome]
    /// How often each record is there, by number, and what is there besides.
    var contents: StoreContents { get }
}

package struct StoreSource {
    package var id: Int64
    package var incarnation: Int64
    package var position: UInt64
    package var head: SourceHead?

    package init(id: Int64, incarnation: Int64, position: UInt64, head: SourceHead?) {
        self.id = id
        self.incarnation = incarnation
        self.position = position
        self.head = head
    }
}

package enum StoreOutcome {
    case stored
    case refused(position: UInt64)
    case unknown
}

package enum CommitCrash {
    case before
    case after
}

package struct StoreContents {
    /// Number and hash of each record; nil where the store did not keep its bytes.
    package var rows: [(number: Int, hash: UInt64?)] = []
    /// What is told as lost can be seen.
    package var tellsLosses = true
    /// Bytes that agents said to have lost.
    package var lostBytes: UInt64 = 0
    /// Datagrams that agents said to have lost.
    package var lostDatagrams: UInt64 = 0
    /// Positions that went back, and the like.
    package var violations: [String] = []

    package init() {}
}

/// Accounts and rows that change together: what SQLite is to the daemon, by what `Store` promises.
struct ModelStore: ScheduleStore {
    private struct Account {
        var identity: SourceIdentity
        var incarnation: Int64 = 1
        var position: UInt64 = 0
        var head: SourceHead?
        var finished = false
        /// There is a later incarnation.
        var isClosed = false
        /// Whose batches are refused until they open it again.
        var refused: Set<Int> = []
    }

    private var accounts: [Account] = []
    private var current: [String: Int] = [:]
    private(set) var contents = StoreContents()
    /// How this store lies, to prove that lies are found.
    var lie = Lie.none

    mutating func open(_ open: IngestOpen, sender: Int) -> StoreSource {
        let index: Int
        if let known = current[open.source.key] {
            let account = accounts[known]
            if let restart = open.restart,
                restart.incarnation ?? account.incarnation == account.incarnation,
                restart.position ?? account.position == account.position,
                account.position > 0 || restart.lostBytes > 0
            {
                if lie != .lossUntold { contents.lostBytes += restart.lostBytes }
                accounts[known].isClosed = true
                index = add(open.source, incarnation: account.incarnation + 1)
            } else {
                index = known
            }
        } else {
            index = add(open.source, incarnation: 1)
        }
        accounts[index].refused.remove(sender)
        let account = accounts[index]
        return StoreSource(
            id: Int64(index + 1), incarnation: account.incarnation, position: account.position,
            head: lie == .headForgotten ? nil : account.head)
    }

    private mutating func add(_ identity: SourceIdentity, incarnation: Int64) -> Int {
        accounts.append(Account(identity: identity, incarnation: incarnation))
        current[identity.key] = accounts.count - 1
        return accounts.count - 1
    }

    mutating func commit(_ batches: [Pending], crash: CommitCrash?) -> [StoreOutcome] {
        if crash == .before, lie != .positionBeforeRows, lie != .rowsBeforePosition { return [] }
        return batches.map { batch in
            let index = Int(batch.sourceID) - 1
            guard accounts.indices.contains(index), !accounts[index].isClosed else {
                return .unknown
            }
            let position = accounts[index].position
            let fits = batch.from == position && !accounts[index].refused.contains(batch.sender)
            guard fits || lie == .neverRefuses else {
                accounts[index].refused.insert(batch.sender)
                return .refused(position: position)
            }
            if crash != .before || lie == .rowsBeforePosition { insert(batch, index) }
            if crash != .before || lie == .positionBeforeRows {
                accounts[index].position = batch.to
                accounts[index].head = batch.head ?? accounts[index].head
                accounts[index].finished = batch.finished
            }
            return .stored
        }
    }

    private mutating func insert(_ batch: Pending, _ index: Int) {
        if accounts[index].finished, batch.from < batch.to {
            contents.violations.append("something after the end of \(accounts[index].identity)")
        }
        if batch.isLoss { contents.lostBytes += batch.to - batch.from }
        batch.body.withUnsafeBytes { bytes in
            if batch.kind == .datagrams {
                insertFrames(bytes)
            } else {
                insertRecords(bytes, isFirst: batch.from == 0, isLast: batch.finished)
            }
        }
    }

    private mutating func insertRecords(
        _ bytes: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool
    ) {
        let mark = isFirst ? RecordSplitter.byteOrderMark(bytes) : 0
        var splitter = RecordSplitter(.lines, position: mark)
        let newline: RecordSplitter.NewlineSearch = { bytes, start in
            bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
        }
        while let range = splitter.next(in: bytes, isComplete: true, newline: newline) {
            insert(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    private mutating func insertFrames(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard let header = SpoolFrame.read(rest) else {
                contents.violations.append("no frame at \(offset) of \(bytes.count) bytes")
                return
            }
            let size = SpoolFrame.frameBytes(payloadBytes: header.payloadBytes)
            guard size <= rest.count else {
                contents.violations.append("half a frame")
                return
            }
            let payload = UnsafeRawBufferPointer(
                rebasing: rest[SpoolFrame.headerBytes...].prefix(header.payloadBytes))
            if header.kind == .datagram {
                insert(payload)
            } else {
                contents.lostDatagrams += LossReport(payload)?.datagrams ?? 0
            }
            offset += size
        }
    }

    private mutating func insert(_ record: UnsafeRawBufferPointer) {
        guard let number = RecordText.number(in: record) else { return }
        contents.rows.append((number, RecordText.hash(record)))
    }
}

/// How a record says which one it is.
enum RecordText {
    /// What follows the first `"n":`.
    static func number(in record: UnsafeRawBufferPointer) -> Int? {
        let mark: StaticString = "\"n\":"
        let markBytes = UnsafeBufferPointer(start: mark.utf8Start, count: 4)
        var index = 0
        while index + 4 < record.count {
            if record[index] == markBytes[0], record[index + 1] == markBytes[1],
                record[index + 2] == markBytes[2], record[index + 3] == markBytes[3]
            {
                var number = 0
                index += 4
                while index < record.count, (0x30...0x39).contains(record[index]), number < 1 << 40
                {
                    number = number * 10 + Int(record[index] - 0x30)
                    index += 1
                }
                return number
            }
            index += 1
        }
        return nil
    }

    /// Without white space at its ends, which is no part of it.
    static func hash(_ record: UnsafeRawBufferPointer) -> UInt64 {
        var start = 0
        var end = record.count
        while start < end, record[start] <= 0x20 { start += 1 }
        while end > start, record[end - 1] <= 0x20 { end -= 1 }
        var hash = FNV1a()
        hash.combine(UnsafeRawBufferPointer(rebasing: record[start..<end]))
        return hash.value
    }
}
