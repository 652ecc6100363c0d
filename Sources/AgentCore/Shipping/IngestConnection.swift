import Platform
import QuipuModel

/// Why a connection to the daemon is given up.
enum LinkFailure: Error, Equatable, CustomStringConvertible {
    case system(SystemError)
    case source(ReadFailure)
    case closed
    case sourceShrank
    case sourceChanged
    case answerTooLong
    case nonsense

    var description: String {
        switch self {
        case .system(let error): error.description
        case .source(let failure): failure.description
        case .closed: "the daemon closed the connection"
        case .sourceShrank: "a file shrank while it was sent"
        case .sourceChanged: "a file was written anew while it was sent"
        case .answerTooLong: "an answer is longer than allowed"
        case .nonsense: "an answer belongs to no request"
        }
    }
}

/// A non-blocking connection to the daemon: one request at a time goes out, answer lines come in.
struct IngestConnection: ~Copyable {
    let stream: any DaemonStream
    private var line: [UInt8] = []
    private var lineSent = 0
    private var body = Body.none
    private var input: [UInt8] = []

    /// What follows the request line.
    private enum Body {
        case none
        /// Bytes of the shared buffer.
        case buffered(Range<Int>)
        /// Read from the source as the socket takes them: `range` of it, of which `ready` is in the
        /// buffer.
        case streamed(Streamed, range: Range<UInt64>, ready: Range<Int>)
    }

    private struct Streamed {
        var source: any ShippableSource
        /// Nil where nobody writes it anew.
        var proof: ContentProof?
    }

    init(_ stream: any DaemonStream) { self.stream = stream }

    /// True while a request is not wholly written.
    var isSending: Bool {
        if lineSent < line.count { return true }
        if case .none = body { return false }
        return true
    }

    mutating func send(line: [UInt8]) {
        self.line = line
        lineSent = 0
        body = .none
    }

    mutating func send(line: [UInt8], buffered range: Range<Int>) {
        send(line: line)
        body = range.isEmpty ? .none : .buffered(range)
    }

    mutating func send(
        line: [UInt8], streaming source: any ShippableSource, _ range: Range<UInt64>,
        proof: ContentProof?
    ) {
        send(line: line)
        let streamed = Streamed(source: source, proof: proof)
        body = range.isEmpty ? .none : .streamed(streamed, range: range, ready: 0..<0)
    }

    /// Writes until everything is out (true) or the socket takes no more (false).
    mutating func flush(_ buffer: UnsafeMutableRawBufferPointer) throws(LinkFailure) -> Bool {
        while lineSent < line.count {
            let rest = line[lineSent...]
            var sent = 0
            var failure: SystemError?
            rest.withUnsafeBytes { bytes in
                do throws(SystemError) { sent = try stream.send(bytes) } catch {
                    failure = error
                }
            }
            if let failure {
                if failure.isWouldBlock { return false }
                throw .system(failure)
            }
            lineSent += sent
        }
        while try fill(buffer), case .some(let range) = ready {
            let sent: Int
            do throws(SystemError) {
                sent = try stream.send(UnsafeRawBufferPointer(rebasing: buffer[range]))
            } catch {
                if error.isWouldBlock { return false }
                throw .system(error)
            }
            advance(by: sent)
        }
        return true
    }

    private var ready: Range<Int>? {
        switch body {
        case .none: nil
        case .buffered(let range), .streamed(_, _, ready: let range): range
        }
    }

    /// Makes sure that there is something to write; false when the body is out.
    private mutating func fill(
        _ buffer: UnsafeMutableRawBufferPointer
    ) throws(LinkFailure) -> Bool {
        switch body {
        case .none: return false
        case .buffered: return true
        case .streamed(let streamed, let range, let ready):
            guard ready.isEmpty else { return true }
            let count = min(UInt64(buffer.count), range.upperBound - range.lowerBound)
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(Int(count)))
            let filled: Int
            let isSame: Bool
            do throws(ReadFailure) {
                filled = try streamed.source.read(at: range.lowerBound, into: part)
                // After the bytes, so that they are of what it proves.
                isSame = try streamed.proof?.holds(of: streamed.source) ?? true
            } catch {
                throw .source(error)
            }
            guard filled > 0 else {
                // The bytes that were announced are gone; only a new connection makes sense of the
                // stream.
                throw .sourceShrank
            }
            guard isSame else { throw .sourceChanged }
            let rest = (range.lowerBound + UInt64(filled))..<range.upperBound
            body = .streamed(streamed, range: rest, ready: 0..<filled)
            return true
        }
    }

    private mutating func advance(by sent: Int) {
        switch body {
        case .none: break
        case .buffered(let range):
            let rest = (range.lowerBound + sent)..<range.upperBound
            body = rest.isEmpty ? .none : .buffered(rest)
        case .streamed(let streamed, let range, let ready):
            let rest = (ready.lowerBound + sent)..<ready.upperBound
            body =
                rest.isEmpty && range.isEmpty
                ? .none : .streamed(streamed, range: range, ready: rest)
        }
    }

    /// Reads what came and hands over each whole line; false when the daemon closed.
    mutating func receive(_ body: ([UInt8]) -> Void) throws(LinkFailure) -> Bool {
        while true {
            var count = 0
            var failure: SystemError?
            withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 1) { room in
                do throws(SystemError) { count = try stream.read(into: room) } catch {
                    failure = error
                }
                input.append(contentsOf: room.prefix(count))
            }
            if let failure {
                if failure.isWouldBlock { return true }
                throw .system(failure)
            }
            if count == 0 { return false }
            takeLines(body)
            guard input.count <= AgentLimits.replyBytesMax else {
                throw .answerTooLong
            }
        }
    }

    private static let readBytes = 4_096

    private mutating func takeLines(_ body: ([UInt8]) -> Void) {
        var start = 0
        while let end = input[start...].firstIndex(of: UInt8(ascii: "\n")) {
            body(Array(input[start..<end]))
            start = end + 1
        }
        input.removeFirst(start)
    }
}
