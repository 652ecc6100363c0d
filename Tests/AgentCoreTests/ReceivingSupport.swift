import Glibc
import Platform
import QuipuModel
import Synchronization
import Testing

@testable import AgentCore

/// A fresh directory that goes with its owner.
final class ReceivingDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/quipu-receiving-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.current("mkdtemp") }
        path = String(
            decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// A path inside.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let names = try? PlainFiles.names(in: path) else { return }
        for name in names {
            if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        }
        rmdir(path)
    }
}

/// A frame as read back.
struct ReadFrame: Equatable {
    var header: SpoolFrame.Header
    var payload: [UInt8]

    var report: LossReport? {
        header.kind == .loss ? payload.withUnsafeBytes { LossReport($0) } : nil
    }
}

extension Spool {
    /// All frames of a segment from `offset` on, through a buffer of `bufferBytes`.
    func frames(
        of segment: SpoolSegment, from offset: UInt64 = 0, bufferBytes: Int = 1 << 20
    ) throws -> [ReadFrame] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 8)
        defer { buffer.deallocate() }
        var frames: [ReadFrame] = []
        var position = offset
        while true {
            let count = try read(segment: segment.id, from: position, into: buffer)
            if count == 0 { return frames }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            var start = 0
            var walk = FrameWalk()
            walk.go(bytes) { header in
                let payload = start + SpoolFrame.headerBytes
                frames.append(
                    ReadFrame(
                        header: header,
                        payload: Array(bytes[payload..<payload + header.payloadBytes])))
                start += SpoolFrame.frameBytes(payloadBytes: header.payloadBytes)
            }
            position += UInt64(count)
        }
    }

    /// All frames of all segments.
    func allFrames() throws -> [ReadFrame] {
        try segments().flatMap { try frames(of: $0) }
    }

    func acknowledgeAll() {
        for segment in segments() {
            acknowledge(segment: segment.id, through: segment.endOffset)
        }
    }

    /// Puts datagrams through the landing as a receiver does.
    func take(_ pair: DatagramPair, dialect: Dialect = .statsd) throws {
        while true {
            landing.arm(arrival: Timestamp(microseconds: 1_000), dialect: dialect)
            let received = landing.receive(from: pair.receiver.raw)
            if let failure = received.failure { throw failure }
            if received.datagrams == 0 { return }
            append()
        }
    }
}

/// The sending end of a socket; sends wait.
final class SendingSocket: Sendable {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    convenience init(to path: String, _ kind: UnixSocket.Kind) throws {
        self.init(try UnixSocket.connect(to: path, kind: kind))
    }

    /// As one datagram, or whole over a stream.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        repeat {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    descriptor.raw, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            if count < 0 { throw SystemError.current("send") }
            sent += count
        } while sent < bytes.count
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }
}

/// Two connected Unix datagram sockets; neither has a name.
final class DatagramPair: Sendable {
    private let sender: SendingSocket
    let receiver: OwnedDescriptor

    init() throws {
        var raw: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &raw) == 0 else {
            throw SystemError.current("socketpair")
        }
        sender = SendingSocket(OwnedDescriptor(owning: raw[0]))
        receiver = OwnedDescriptor(owning: raw[1])
        try receiver.setNonBlocking()
    }

    func send(_ payload: [UInt8]) throws { try sender.send(payload) }
}

/// Waits until `condition` holds, looked at whenever `wake` is signalled; false after a minute
/// without.
func waitUntil(_ wake: WakeUp, _ condition: () throws -> Bool) rethrows -> Bool {
    while try !condition() {
        var descriptor = pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0)
        if poll(&descriptor, 1, 60_000) == 0 { return false }
        wake.clear()
    }
    return true
}

/// A receiver on its own thread, with its spool.
final class RunningReceiver: Sendable {
    let spool: Spool
    let receiver: Receiver
    private let wake: WakeUp
    private let ended: Ended

    init(
        directory: String, listeners: [Listener], bytesMax: Int = Limits.spoolBytesMax,
        segmentBytes: Int = Limits.spoolSegmentBytes,
        halfSentMsMax: Int = Limits.halfSentRequestMsMax
    ) throws {
        let wake = try WakeUp()
        let ended = Ended(wake: try WakeUp())
        let spool = try Spool(
            directory: directory, bytesMax: bytesMax, segmentBytes: segmentBytes,
            onChange: { wake.signal() })
        let receiver = try Receiver(
            spool: spool, listeners: listeners, halfSentMsMax: halfSentMsMax)
        self.wake = wake
        self.ended = ended
        self.spool = spool
        self.receiver = receiver
        try Threads.start(name: "receiver") {
            do {
                try receiver.run()
            } catch {
                Issue.record(error)
            }
            ended.set()
        }
    }

    /// Waits until the spool's frames, from its beginning on, satisfy the condition.
    func frames(when condition: ([ReadFrame]) -> Bool) throws -> [ReadFrame] {
        var frames: [ReadFrame] = []
        var positions: [UInt64: UInt64] = [:]
        let isDone = try waitUntil(wake) {
            for segment in spool.segments() {
                let position = positions[segment.id] ?? 0
                guard position < segment.endOffset else { continue }
                let new = try spool.frames(of: segment, from: position)
                frames += new
                positions[segment.id] = new.reduce(position) {
                    $0 + UInt64(SpoolFrame.frameBytes(payloadBytes: $1.header.payloadBytes))
                }
            }
            return condition(frames)
        }
        #expect(isDone, "the spool's frames never came to what was expected")
        return frames
    }

    func stop() {
        receiver.stop()
        let isDone = waitUntil(ended.wake) { ended.isSet }
        #expect(isDone, "the receiver did not stop")
    }
}

/// Says once that something has ended.
private final class Ended: Sendable {
    let wake: WakeUp
    private let flag = Mutex(false)

    init(wake: WakeUp) { self.wake = wake }

    var isSet: Bool { flag.withLock { $0 } }

    func set() {
        flag.withLock { $0 = true }
        wake.signal()
    }
}
