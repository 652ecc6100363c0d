import Platform
import QuipuModel
import QuipuProtocol
import TestSupport
import Testing

@testable import AgentCore

/// The state machines by themselves, without files or sockets.
@Suite struct ShippingStateTests {
    private func open(_ cursor: inout SourceCursor, at position: UInt64, id: Int64 = 7) {
        if let step = cursor.step { cursor.sent(step) }
        cursor.opened(.init(id: id, incarnation: 1, position: position, head: nil))
    }

    private func take(
        _ cursor: inout SourceCursor, _ content: String, size: UInt64? = nil,
        sizeAfter: UInt64? = nil, again: String? = nil
    ) -> SourceCursor.Shipment? {
        guard case .read(let from, let count)? = cursor.step else { return nil }
        let all = Array(content.utf8)
        let again = again.map { Array($0.utf8) }
        return all.withUnsafeBytes { bytes in
            let start = min(Int(from), bytes.count)
            let part = UnsafeRawBufferPointer(rebasing: bytes[start...].prefix(count))
            func before(_ end: UInt64, _ known: SourceHead?) -> UnsafeRawBufferPointer {
                let isThere = end <= UInt64(bytes.count)
                let end = isThere ? Int(end) : 0
                return UnsafeRawBufferPointer(
                    rebasing: bytes[max(0, end - (known?.bytes ?? 0))..<end])
            }
            var chunk = SourceCursor.Chunk(
                from: from, wantedBytes: count, bytes: part, size: size ?? UInt64(all.count),
                head: UnsafeRawBufferPointer(rebasing: bytes.prefix(Limits.headBytes)),
                tail: before(cursor.next, cursor.tail),
                scannedTail: before(cursor.scanned, cursor.scannedTail), sizeAfter: sizeAfter)
            guard let again else { return cursor.took(chunk) }
            return again.withUnsafeBytes {
                chunk.again = $0
                return cursor.took(chunk)
            }
        }
    }

    @Test func itAsksReadsShipsAndRests() {
        var cursor = SourceCursor(kind: .file, size: 6)
        #expect(cursor.step == .open(nil))
        open(&cursor, at: 0)
        #expect(cursor.step == .read(from: 0, count: 6))
        #expect(
            take(&cursor, "ab\ncde") == .batch(from: 0, to: 3, isBuffered: true, isLast: false))
        #expect(cursor.step == nil)
        #expect(!cursor.isCaughtUp)
        cursor.advanced(to: 3)
        #expect(cursor.isCaughtUp)
        #expect(cursor.backlogBytes == 3)
    }

    /// The end of a source that only memory has is asked for again by the next daemon.
    @Test(arguments: [true, false])
    func whatOnlyMemoryHasIsNotOver(_ isDurable: Bool) {
        var cursor = SourceCursor(kind: .file, size: 3)
        open(&cursor, at: 0)
        _ = take(&cursor, "ab\n")
        cursor.end(.complete)
        let last = SourceCursor.Step.ship(
            .batch(from: 3, to: 3, isBuffered: false, isLast: true))
        #expect(cursor.step == last)
        cursor.sent(last)
        cursor.advanced(to: 3, isDurable: isDurable)
        cursor.advanced(to: 3, isDurable: isDurable)
        #expect(cursor.phase == .finished)
        #expect(cursor.isOver == isDurable)
        cursor.disconnected()
        #expect(cursor.step == (isDurable ? nil : .open(nil)))
    }

    /// A power cut may take the end of a segment that the daemon has already. What is left is
    /// neither sent again nor started anew: the account is closed where it stands.
    @Test(arguments: [0, 10] as [UInt64])
    func aSegmentThatLostItsEndIsDoneWith(_ size: UInt64) {
        var cursor = SourceCursor(kind: .datagrams, size: size)
        cursor.saw(size: size, hasChanged: true)
        if size > 0 {
            open(&cursor, at: 25)
            cursor.end(.complete)
            let close = SourceCursor.Shipment.batch(
                from: 25, to: 25, isBuffered: false, isLast: true)
            #expect(cursor.step == .ship(close))
            cursor.sent(.ship(close))
            cursor.advanced(to: 25)
        } else {
            cursor.end(.complete)
        }
        #expect(cursor.phase == .finished)
        #expect(cursor.pendingRestart == nil)
        #expect(cursor.step == nil)
    }

    @Test func anEmptyFileIsNotAskedAbout() {
        #expect(SourceCursor(kind: .file, size: 0).step == nil)
    }

    @Test func aRefusalWaitsForWhatIsInFlight() {
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 0)
        _ = take(&cursor, "a\nb\n")
        cursor.saw(size: 8, hasChanged: true)
        _ = take(&cursor, "a\nb\nc\nd\n")
        cursor.refused()
        #expect(cursor.step == nil)
        cursor.refused()
        #expect(cursor.step == .open(nil))
        open(&cursor, at: 2)
        #expect(cursor.step == .read(from: 2, count: 6))
    }

    @Test func aRestartIsToldWhenTheAnswersAreThere() {
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 0)
        _ = take(&cursor, "a\nb\n")
        cursor.saw(size: 9, hasChanged: true)
        cursor.saw(size: 1, hasChanged: true)
        #expect(cursor.step == nil)
        cursor.advanced(to: 4)
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: 5, incarnation: 1, position: 4))
        #expect(cursor.step == restart)
        cursor.sent(restart)
        // The answer is lost, though the daemon took the restart.
        cursor.disconnected()
        #expect(cursor.step == .open(nil))
        cursor.sent(.open(nil))
        cursor.opened(.init(id: 8, incarnation: 2, position: 0, head: nil))
        #expect(cursor.step == .read(from: 0, count: 1))
    }

    @Test func aRestartThatTheDaemonNeverSawIsToldAgain() {
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 4)
        cursor.saw(size: 2, hasChanged: true)
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: 0, incarnation: 1, position: 4))
        #expect(cursor.step == restart)
        cursor.sent(restart)
        cursor.disconnected()
        cursor.sent(.open(nil))
        cursor.opened(.init(id: 8, incarnation: 1, position: 4, head: nil))
        #expect(cursor.step == restart)
    }

    /// What is cut while the daemon is told of a restart is of the next incarnation.
    @Test(arguments: [true, false])
    func aSecondCutIsToldToo(_ isAnswerLost: Bool) {
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 4)
        cursor.saw(size: 2, hasChanged: true)
        if let step = cursor.step { cursor.sent(step) }
        cursor.saw(size: 90, hasChanged: true)
        cursor.saw(size: 10, hasChanged: true)
        if isAnswerLost {
            cursor.disconnected()
            cursor.sent(.open(nil))
        }
        cursor.opened(.init(id: 8, incarnation: 2, position: 0, head: nil))
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: 80, incarnation: 2, position: 0))
        #expect(cursor.step == restart)
        cursor.sent(restart)
        cursor.opened(.init(id: 9, incarnation: 3, position: 0, head: nil))
        #expect(cursor.step == .read(from: 0, count: 10))
    }

    /// Sizes that were seen on the way are of what was destroyed.
    @Test func theLargestSizeCounts() {
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 0)
        _ = take(&cursor, "a\nb\n", sizeAfter: 60)
        cursor.advanced(to: 4)
        cursor.saw(size: 1, hasChanged: true)
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: 56, incarnation: 1, position: 4))
        #expect(cursor.step == restart)
    }

    /// Written anew between two reads, to more and beginning alike: what was read first is gone,
    /// and the new size says nothing of the old content's.
    @Test(arguments: ["xyz\n", "yz\n"])
    func aContentThatIsWrittenAnewWhileItIsReadIsNotShipped(_ end: String) {
        let head = String(repeating: "h", count: 2_000) + "\n"
        let old = head + "abc\n"
        var cursor = SourceCursor(kind: .file, size: UInt64(old.utf8.count))
        open(&cursor, at: 0)
        let again = String((head + end).suffix(Limits.headBytes))
        #expect(take(&cursor, old, size: 9_000, sizeAfter: 9_000, again: again) == nil)
        let restart = SourceCursor.Step.open(
            .init(
                cause: .rewritten, lostBytes: UInt64(old.utf8.count), incarnation: 1, position: 0))
        #expect(cursor.step == restart)
    }

    /// The head is of the first KiB only, and the daemon knows no more.
    @Test func aContentThatBeginsAlikeIsKnownOverAConnection() {
        let head = String(repeating: "h", count: 2_000) + "\n"
        var cursor = SourceCursor(kind: .file, size: UInt64(head.utf8.count + 4))
        open(&cursor, at: 0)
        _ = take(&cursor, head + "abc\n")
        cursor.advanced(to: cursor.next)
        cursor.disconnected()
        open(&cursor, at: cursor.next)
        #expect(take(&cursor, head + "xyz\n") == nil)
        guard case .open(let restart?) = cursor.step else {
            Issue.record("it goes on in another content")
            return
        }
        #expect(restart.cause == .rewritten)
    }

    /// The end of a line that was not sent yet is looked for again, and what was sent stands.
    @Test func anUnfinishedLineThatIsWrittenAnewIsScannedAnew() {
        var bounds = ShippingBounds()
        bounds.batchBytes = 64
        bounds.rereadBytesMax = 8
        var cursor = SourceCursor(kind: .file, size: 32, bounds: bounds)
        open(&cursor, at: 0)
        _ = take(&cursor, "a\n" + String(repeating: "b", count: 30))
        cursor.advanced(to: 2)
        cursor.saw(size: 64, hasChanged: true)
        #expect(cursor.step == .read(from: 32, count: 32))
        let anew = "a\n" + String(repeating: "c", count: 20) + "\n"
        let whole = anew + String(repeating: "d", count: 40) + "\n"
        #expect(take(&cursor, whole) == nil)
        #expect(
            take(&cursor, whole) == .batch(from: 2, to: 64, isBuffered: true, isLast: false))
    }

    @Test func anotherHeadIsAnotherContent() {
        var cursor = SourceCursor(kind: .file, size: 4)
        cursor.sent(.open(nil))
        let head = Array("a\n".utf8).withUnsafeBytes { SourceHead.of($0) }
        cursor.opened(.init(id: 1, incarnation: 1, position: 4, head: head))
        #expect(cursor.step == .read(from: 4, count: 0))
        #expect(take(&cursor, "x\nb\n") == nil)
        let restart = SourceCursor.Step.open(
            .init(cause: .rewritten, lostBytes: 0, incarnation: 1, position: 4))
        #expect(cursor.step == restart)
    }

    @Test func aFileThatShrinksWhileItIsReadIsNotShipped() {
        var cursor = SourceCursor(kind: .file, size: 8)
        open(&cursor, at: 0)
        #expect(take(&cursor, "a\nb\nc\nd\n", size: 3) == nil)
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: 5, incarnation: 1, position: 0))
        #expect(cursor.step == restart)
    }

    @Test func anotherAgentMayHaveSeenMore() {
        var cursor = SourceCursor(kind: .file, size: 4)
        cursor.sent(.open(nil))
        cursor.opened(.init(id: 1, incarnation: 1, position: 6, head: nil))
        // The size is of an earlier look.
        #expect(cursor.step == .read(from: 6, count: 0))
    }

    @Test func aRestartThatAnotherAgentForestalledIsThoughtOverAgain() {
        var cursor = SourceCursor(kind: .file, size: 8)
        open(&cursor, at: 4)
        cursor.saw(size: 2, hasChanged: true)
        guard let step = cursor.step else { return }
        cursor.sent(step)
        cursor.opened(.init(id: 1, incarnation: 1, position: 2, head: nil))
        #expect(cursor.step == .read(from: 2, count: 0))
    }

    @Test func theEndIsToldOnce() {
        var cursor = SourceCursor(kind: .file, size: 3)
        open(&cursor, at: 0)
        _ = take(&cursor, "a\nb")
        cursor.end(.complete)
        let last = SourceCursor.Step.ship(
            .batch(from: 2, to: 3, isBuffered: false, isLast: true))
        #expect(cursor.step == last)
        cursor.sent(last)
        #expect(cursor.step == nil)
        cursor.advanced(to: 2)
        cursor.advanced(to: 3)
        #expect(cursor.phase == .finished)
    }

    @Test func datagramsGoFirst() {
        var shipper = Shipper()
        shipper.connected()
        var files: [SourceToken] = []
        for _ in 0..<20 { files.append(shipper.add(.file, size: 1_000_000_000)) }
        var opened = 0
        func answerOpens() {
            while let turn = shipper.nextTurn(), case .open = turn.step {
                let id = shipper.sending(turn)
                opened += 1
                _ = shipper.received(
                    id: id,
                    .opened(.init(id: Int64(opened), incarnation: 1, position: 0, head: nil)))
            }
        }
        answerOpens()
        #expect(opened == 20)
        // Files fill their share of the window.
        let content = Array(repeating: UInt8(ascii: "\n"), count: Limits.batchBytes)
        func read(_ turn: Shipper.Turn) {
            guard case .read(let from, let count) = turn.step else { return }
            content.withUnsafeBytes { bytes in
                let shipment = shipper.took(
                    turn.token,
                    .init(
                        from: from, wantedBytes: count, bytes: bytes, size: 1_000_000_000,
                        head: UnsafeRawBufferPointer(rebasing: bytes.prefix(1_024)),
                        tail: UnsafeRawBufferPointer(start: nil, count: 0)))
                if let shipment { _ = shipper.sending(shipment, of: turn.token) }
            }
        }
        var turns = 0
        while let turn = shipper.nextTurn() {
            read(turn)
            turns += 1
        }
        #expect(turns == Limits.inFlightBytesMax / 2 / Limits.batchBytes)
        // A datagram still finds room, at once.
        let spool = shipper.add(.datagrams, size: 100)
        let next = shipper.nextTurn()
        #expect(next == Shipper.Turn(token: spool, step: .open(nil)))
    }

    /// Whoever may write a log may make it as large as a file can be, without filling a disk.
    @Test func sumsOfTheLargestSizesEndAtTheLargestNumber() {
        let largest = UInt64(Int64.max)
        var shipper = Shipper()
        shipper.connected()
        let tokens = (0..<3).map { _ in shipper.add(.file, size: largest) }
        #expect(shipper.backlogBytes == .max)
        var status = AgentStatus()
        let text = status.text(
            files: 3, shipper: shipper, spool: SpoolFigures(), receiver: ReceiverFigures(),
            nowMs: 1)
        #expect(text.contains("18446744073709 MB behind"))
        for token in tokens {
            guard let turn = shipper.nextTurn() else { break }
            let id = shipper.sending(turn)
            _ = shipper.received(
                id: id, .opened(.init(id: 1, incarnation: 1, position: 0, head: nil)))
            _ = shipper.end(token, .destroyed)
        }
        while let turn = shipper.nextTurn() { _ = shipper.sending(turn) }
        #expect(shipper.figures.lostBytes == .max)
        let progress = OneTimeShipping.Progress(doneBytes: largest - 1, totalBytes: largest)
        #expect(progress.percent == 99)
        #expect(OneTimeShipping.Progress(doneBytes: 2, totalBytes: 2).percent == 100)
        #expect(OneTimeShipping.Progress(doneBytes: 0, totalBytes: 0).percent == 100)
    }

    @Test func aFileThatIsCutAgainAndAgainLosesAtMostTheLargestNumber() {
        let largest = UInt64(Int64.max)
        var cursor = SourceCursor(kind: .file, size: 4)
        open(&cursor, at: 4)
        for _ in 0..<3 {
            cursor.saw(size: largest, hasChanged: true)
            cursor.saw(size: 0, hasChanged: true)
        }
        let restart = SourceCursor.Step.open(
            .init(cause: .truncated, lostBytes: .max - 4, incarnation: 1, position: 4))
        #expect(cursor.step == restart)
        var contents = DestroyedContents()
        for incarnation in [1, 1, 1, 2, 3, 4] as [Int64] {
            contents.add(incarnation, bytes: largest)
        }
        #expect(contents.bytes(since: 1, position: 0) == .max)
        #expect(contents.bytes(since: 0, position: 0) == .max)
        #expect(contents.bytes(since: 4, position: 0) == largest)
    }

    @Test func answersInTheWrongOrderAreNonsense() {
        var shipper = Shipper()
        shipper.connected()
        _ = shipper.add(.file, size: 1)
        guard let turn = shipper.nextTurn() else { return }
        let id = shipper.sending(turn)
        #expect(shipper.received(id: id + 1, .refused) == .nonsense)
        #expect(shipper.received(id: id, .refused) == .nonsense)
    }

    @Test func backoffStaysWithinItsBounds() {
        var random = SeededGenerator()
        var backoff = Backoff(msMin: 100, msMax: 5_000)
        var delays: [Int64] = []
        for _ in 0..<20 { delays.append(backoff.next(using: &random)) }
        #expect(delays.allSatisfy { (100...5_000).contains($0) }, "seed \(random.seed)")
        #expect(delays[10...].allSatisfy { $0 >= 2_500 }, "seed \(random.seed)")
        backoff.reset()
        #expect(backoff.next(using: &random) == 100)
    }

    @Test(arguments: [
        "", "{}", "[]", "{\"id\":1}", "{\"id\":1,\"result\":{}}",
        "{\"id\":1,\"result\":{\"position\":-1}}", "{\"id\":\"1\",\"result\":{\"position\":1}}",
    ])
    func whatIsNoAnswer(_ line: String) {
        #expect(IngestWire.answer(Array(line.utf8)) == nil)
    }

    @Test func answers() {
        func answer(_ line: String) -> Shipper.Answer? {
            IngestWire.answer(Array(line.utf8))?.answer
        }
        #expect(
            answer("{\"id\":1,\"result\":{\"position\":5,\"durable\":false}}")
                == .advanced(position: 5, isDurable: false))
        #expect(
            answer(
                "{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"m\",\"data\":{\"reason\":\"wrong_position\",\"position\":3}}}"
            ) == .refused)
        #expect(answer("{\"id\":1,\"error\":{\"code\":-32001,\"message\":\"m\"}}") == .refused)
        #expect(
            answer("{\"id\":1,\"error\":{\"code\":-32005,\"message\":\"m\"}}") == .failed("m"))
        let data = #"{"path":"p","hint":"h"}"#
        #expect(
            answer(#"{"id":1,"error":{"code":-32602,"message":"m","data":\#(data)}}"#)
                == .failed("m: p: h"))
    }
}
