import Platform
package import QuipuModel

/// Where received bytes are between the kernel and the spool: a mapped file, so that they outlive a
/// SIGKILL.
///
/// A receive goes `arm` → `receive` (or `fill`) → its frames are written to the spool → `settle`.
/// Each is numbered; frames carry that number. `settle` stores the number as settled, which is one
/// word: a process killed at any instruction leaves the receive either armed, and then the spool
/// completes it at the next start, or settled.
///
///     offset  what (words of 8 bytes, the machine's order)
///     0       format
///     8       number of the receive that is armed
///     16      number of the last receive that is settled
///     24      arrival, microseconds since 1970
///     32      dialect of the listener
///     40      slots that may be filled
///     48      when it was armed, microseconds of the clock that begins with the machine
///     56      what tells this start of the machine from others (`markBoot`)
///     64      losses not told yet, as of the settled receives with an even number, then odd
///     256     headers of the slots (`MessageRing`)
///     6144    scratch for frames of losses
///     8192    slots, each a frame built in place: header, payload, padding
///
/// The words and lengths are believed after a restart, the pointers in the headers never.
package struct Landing: Sendable {
    static let slots = MessageRing.slots
    static let fileName = "landing"

    private enum Offset {
        static let format = 0
        static let armed = 8
        static let settled = 16
        static let arrival = 24
        static let dialect = 32
        static let used = 40
        static let armedAt = 48
        static let boot = 56
        static let losses = 64
        static let ring = 256
        static let lossFrames = 6_144
        static let slots = 8_192
    }

    /// "QLAND", layout 2.
    private static let format: UInt64 = 0x02_44_4e_41_4c_51
    /// Not a multiple of the page: slots that begin at one page offset would evict each other from
    /// the cache.
    private static let slotBytes = (64 << 10) + 64
    private static let lossFrameBytes = SpoolFrame.frameBytes(payloadBytes: 24)
    /// What a stream may put into the first slot and those behind it: a line of the longest kind
    /// with its newline.
    static let streamBytes = Limits.streamLineBytesMax + 1

    private let mapping: SharedMapping

    static let byteCount = Offset.slots + slots * slotBytes

    /// The landing in `directory`. `EWOULDBLOCK` when another process has it.
    init(directory: String, system: any AgentSystem) throws(SystemError) {
        mapping = try system.landing(directory, byteCount: Self.byteCount)
    }

    /// False when no file could be had: then a SIGKILL loses what is in flight.
    var isCrashSafe: Bool { mapping.isFile }

    func isInPlace(_ directory: String, _ system: any AgentSystem) -> Bool {
        system.isInPlace(mapping, in: directory)
    }

    /// Goes on in another file, in the middle of a receive, too.
    func replace(_ directory: String, _ system: any AgentSystem) throws(SystemError) {
        try system.replace(mapping, in: directory)
    }

    private var ring: MessageRing { MessageRing(at: mapping.pointer(at: Offset.ring)) }

    // MARK: Receiving

    /// Begins a receive. `arrival` is when the caller learned that something is there.
    /// `now` is the same moment by the clock that begins with the machine.
    package func arm(
        arrival: Timestamp, dialect: Dialect, now: Int64 = MonotonicClock.microseconds()
    ) {
        let settled = settledSequence
        if armedSequence == settled {
            // Lengths go before the number: until it is stored, nobody reads them.
            ring.empty(first: used)
            mapping.storeInOrder(0, at: Offset.used)
        }
        mapping.storeInOrder(UInt64(bitPattern: arrival.microseconds), at: Offset.arrival)
        mapping.storeInOrder(UInt64(dialect.rawValue), at: Offset.dialect)
        mapping.storeInOrder(UInt64(bitPattern: now), at: Offset.armedAt)
        mapping.storeInOrder(settled &+ 1, at: Offset.armed)
    }

    /// What one receive brought.
    struct Received {
        var datagrams = 0
        /// Why no more were asked for, where a call failed.
        var failure: SystemError?
    }

    /// Takes what waits at a socket, and what comes meanwhile, until nothing waits or the slots are
    /// full: the kernel holds few datagrams of a Unix socket, and what a turn costs besides is to
    /// be shared by many.
    func receive(from socket: Int32) -> Received {
        var received = Received()
        while received.datagrams < Self.slots {
            do {
                let count = try ring.receive(from: socket, first: received.datagrams)
                guard count > 0 else { break }
                received.datagrams += count
                mapping.storeInOrder(UInt64(received.datagrams), at: Offset.used)
            } catch {
                received.failure = error
                break
            }
        }
        return received
    }

    /// Bytes of the first `count` datagrams.
    func receivedBytes(_ count: Int) -> UInt64 {
        var sum = 0
        for slot in 0..<count { sum += ring.length(slot: slot) ?? 0 }
        return UInt64(sum)
    }

    /// Where a stream's bytes may be put before `fill`. It goes on into the slots behind the first,
    /// which hold nothing then.
    package var streamBuffer: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: payload(slot: 0), count: Self.streamBytes)
    }

    /// Says that the first slot holds a payload of `byteCount`.
    package func fill(_ byteCount: Int) {
        mapping.storeInOrder(1, at: Offset.used)
        ring.setLength(byteCount, slot: 0)
    }

    // MARK: In flight

    /// The number that the frames in flight carry.
    var armedSequence: UInt64 { mapping.load(at: Offset.armed) }
    private var settledSequence: UInt64 { mapping.load(at: Offset.settled) }
    private var used: Int { min(Int(clamping: mapping.load(at: Offset.used)), Self.slots) }

    /// Whether a receive has begun and is not settled. It may have brought nothing yet.
    var isArmed: Bool { armedSequence != settledSequence }

    /// What became of a slot.
    enum Content {
        case empty
        case tooLong
        /// Bytes of payload.
        case payload(Int)
    }

    /// Slots are filled from the first on: nothing follows nil. An empty datagram says nothing and
    /// is nothing.
    func content(slot: Int) -> Content? {
        guard let length = ring.length(slot: slot) else { return nil }
        if length == 0 { return .empty }
        if ring.isTruncated(slot: slot) || length > Self.streamBytes { return .tooLong }
        return .payload(length)
    }

    /// Completes the frame around a slot's payload.
    func frame(slot: Int, payloadBytes: Int) -> UnsafeRawBufferPointer {
        frame(
            at: Offset.slots + slot * Self.slotBytes,
            SpoolFrame.Header(
                kind: .datagram,
                dialect: Dialect(
                    rawValue: UInt8(truncatingIfNeeded: mapping.load(at: Offset.dialect)))
                    ?? .statsd,
                payloadBytes: payloadBytes, arrival: arrival, sequence: armedSequence))
    }

    /// The frame of a loss report.
    func frame(_ report: LossReport) -> UnsafeRawBufferPointer {
        let offset = Offset.lossFrames + Int(report.cause.rawValue) * Self.lossFrameBytes
        let payload = mapping.pointer(at: offset + SpoolFrame.headerBytes)
        report.write(
            to: UnsafeMutableRawBufferPointer(start: payload, count: report.payloadBytes))
        return frame(
            at: offset,
            SpoolFrame.Header(
                kind: .loss, dialect: .statsd, payloadBytes: report.payloadBytes,
                arrival: arrival, sequence: armedSequence))
    }

    private var arrival: Timestamp {
        Timestamp(microseconds: Int64(bitPattern: mapping.load(at: Offset.arrival)))
    }

    private func payload(slot: Int) -> UnsafeMutableRawPointer {
        mapping.pointer(at: Offset.slots + slot * Self.slotBytes + SpoolFrame.headerBytes)
    }

    private func frame(at offset: Int, _ header: SpoolFrame.Header) -> UnsafeRawBufferPointer {
        let byteCount = SpoolFrame.frameBytes(payloadBytes: header.payloadBytes)
        let buffer = UnsafeMutableRawBufferPointer(
            start: mapping.pointer(at: offset), count: byteCount)
        SpoolFrame.write(header, to: buffer)
        for padding in (SpoolFrame.headerBytes + header.payloadBytes)..<byteCount {
            buffer[padding] = 0
        }
        return UnsafeRawBufferPointer(buffer)
    }

    // MARK: Settling

    /// Losses that no frame of a settled receive tells.
    var untold: Losses {
        var losses = Losses()
        for cause in LossCause.allCases {
            let offset = Self.lossOffset(cause, sequence: settledSequence)
            losses.add(
                cause, datagrams: mapping.load(at: offset), lines: mapping.load(at: offset + 8))
        }
        return losses
    }

    /// Ends a receive: its frames are in the spool, and what they leave untold is `losses`.
    func settle(untold losses: Losses) {
        let sequence = armedSequence
        for cause in LossCause.allCases {
            let offset = Self.lossOffset(cause, sequence: sequence)
            let index = Int(cause.rawValue)
            mapping.storeInOrder(losses.datagrams[index], at: offset)
            mapping.storeInOrder(losses.lines[index], at: offset + 8)
        }
        mapping.storeInOrder(sequence, at: Offset.settled)
    }

    private static func lossOffset(_ cause: LossCause, sequence: UInt64) -> Int {
        Offset.losses + Int(sequence & 1) * 64 + Int(cause.rawValue) * 16
    }

    // MARK: Start

    /// Whether what stands here was left by an agent that knew frames up to `newest`. After a power
    /// loss it may be older than the segments, and then it is worth nothing.
    func isCredible(newestFrame newest: UInt64) -> Bool {
        mapping.load(at: Offset.format) == Self.format && armedSequence >= newest
            && (armedSequence == settledSequence || armedSequence == settledSequence &+ 1)
    }

    /// Whether what is in flight was received since the machine started. After a power loss the
    /// landing's pages are of different moments, and what they say is in flight may have been
    /// appended, sent and deleted long since.
    func isOfThisBoot(mark: UInt64, now: Int64) -> Bool {
        mapping.load(at: Offset.boot) == mark
            && Int64(bitPattern: mapping.load(at: Offset.armedAt)) <= now
    }

    /// `mark` is the same until the machine starts again.
    func markBoot(_ mark: UInt64) { mapping.storeInOrder(mark, at: Offset.boot) }

    /// Gives up what is in flight; the losses that wait to be told stay.
    func dropInFlight() { settle(untold: untold) }

    /// Forgets everything; the next receive is numbered after `newest`.
    func reset(newestFrame newest: UInt64) {
        mapping.storeInOrder(0, at: Offset.format)
        mapping.storeInOrder(newest, at: Offset.armed)
        settle(untold: Losses())
        mapping.storeInOrder(Self.format, at: Offset.format)
    }

    /// Readies the slots for this process. Only when nothing is in flight.
    func pointSlots() {
        for slot in 0..<Self.slots {
            ring.point(
                slot: slot,
                to: UnsafeMutableRawBufferPointer(
                    start: payload(slot: slot), count: Limits.datagramBytesMax))
        }
        mapping.storeInOrder(0, at: Offset.used)
    }

    /// Gives back the memory of the slots while nothing comes.
    func releaseResidentPages() { mapping.releaseResidentPages() }
}
