import Platform
import QuipuModel
import QuipuProtocol

/// `quipu hook`: hands what a hook command gets on standard input over to the agent.
///
/// It runs before each of a coding agent's steps, so it begins without the argument parser (which
/// took most of the time), waits for nobody for long, says nothing, and ends with 0 whatever
/// happens: a hook that fails would stop the work that it only watches.
enum Hook {
    /// How long to wait while the agent's queue is full.
    private static let patienceMs: Int32 = 500
    private static let inputBytesMax = Limits.lineBytesMax

    /// Room for the time that is added.
    private static let lineBytesMax = Limits.datagramBytesMax - 64

    static func run(environment: [String: String], runtimeDirectory: String?) {
        guard let input = try? read() else { return }
        let line = line(of: input, at: Timestamp(microseconds: WallClock.microseconds()))
        guard !line.isEmpty else { return }
        let places = Places(
            role: .client, environment: environment, userID: ProcessFacts.userID,
            runtimeDirectory: runtimeDirectory, exists: Files.exists)
        try? send(line, to: places.metricsSocket)
    }

    private static func read() throws(SystemError) -> [UInt8] {
        let descriptor = OwnedDescriptor(owning: 0)
        var input: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while input.count <= inputBytesMax {
            let result = chunk.withUnsafeMutableBytes { bytes in
                Result { () throws(SystemError) in try descriptor.read(into: bytes) }
            }
            let count = try result.get()
            if count == 0 { break }
            input += chunk[..<count]
        }
        return input
    }

    private static func send(_ line: [UInt8], to path: String) throws(SystemError) {
        let descriptor = try UnixSocket.connect(to: path, kind: .datagram, nonBlocking: true)
        var poller = try Poller(eventsPerWait: 1)
        try poller.add(descriptor.raw, .write, token: 0)
        let deadline = MonotonicClock.microseconds() + Int64(patienceMs) * 1_000
        while true {
            let result = line.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try descriptor.send(bytes) }
            }
            guard case .failure(let error) = result else { return }
            guard error.isWouldBlock, MonotonicClock.microseconds() < deadline else { throw error }
            try poller.wait(milliseconds: 10) { _ in }
        }
    }

    // MARK: The line

    /// The input as one line that says when it was.
    static func line(of input: [UInt8], at now: Timestamp) -> [UInt8] {
        // Outside of strings, where JSON has no raw line breaks, they are white space.
        var line = input.map { $0 == 0x0a || $0 == 0x0d ? 0x20 : $0 }
        while line.last == 0x20 { line.removeLast() }
        line.removeFirst(line.prefix { $0 == 0x20 }.count)
        if line.count > lineBytesMax { line = shortened(line) }
        guard line.first == UInt8(ascii: "{"), !saysWhen(line) else { return line }
        let isEmpty = line.dropFirst().first { $0 != 0x20 } == UInt8(ascii: "}")
        let time = "{\"timestamp\":\"\(now.rfc3339)\"" + (isEmpty ? "" : ",")
        return Array(time.utf8) + line.dropFirst()
    }

    /// Hooks of today have no time; only where the word stands somewhere is it worth a look.
    private static func saysWhen(_ line: [UInt8]) -> Bool {
        let word = Array("\"timestamp\"".utf8)
        let stands = line.indices.contains { line[$0...].starts(with: word) }
        guard stands, let object = try? JSON.parse(line, nestingMax: Limits.lineNestingMax) else {
            return false
        }
        return object["timestamp"] != nil
    }

    /// What is too long for a datagram, with its long texts cut; their true length is kept.
    private static func shortened(_ line: [UInt8]) -> [UInt8] {
        guard let object = try? JSON.parse(line, nestingMax: Limits.lineNestingMax) else {
            return Array(line.prefix(lineBytesMax))
        }
        var textBytesMax = 16 << 10
        while textBytesMax >= 64 {
            let bytes = object.cut(textBytesMax: textBytesMax).bytes
            if bytes.count <= lineBytesMax { return bytes }
            textBytesMax /= 4
        }
        return Array(line.prefix(lineBytesMax))
    }
}

extension JSON {
    /// The same, with no text longer than so.
    fileprivate func cut(textBytesMax: Int) -> JSON {
        switch self {
        case .string(let text) where text.utf8.count > textBytesMax:
            return .string(
                String(decoding: text.utf8.prefix(textBytesMax), as: UTF8.self)
                    + "… (\(text.utf8.count) bytes)")
        case .array(let items): return .array(items.map { $0.cut(textBytesMax: textBytesMax) })
        case .object(let members):
            return .object(
                members.map { JSON.Member($0.name, $0.value.cut(textBytesMax: textBytesMax)) })
        default: return self
        }
    }
}
