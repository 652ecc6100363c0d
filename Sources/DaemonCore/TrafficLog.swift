internal import NIOCore
internal import Platform
internal import QuipuProtocol

/// Appends all that was said on the sockets to a file, for the check of a test run's traffic
/// against the schemas. A line is `{"request": text or null, "reply": text or null}`, where what
/// was refused before it was a request has none, or `{"notification": text}`.
final class TrafficLog: Sendable {
    private let descriptor: OwnedDescriptor

    init(path: String) throws(SystemError) {
        descriptor = try Files.openForAppending(path)
    }

    func record(request: ByteBuffer?, reply: ByteBuffer?) {
        append([
            "request": .optional(request.map { String(buffer: $0) }),
            "reply": .optional(reply.map { String(buffer: $0) }),
        ])
    }

    func record(notification: ByteBuffer) {
        append(["notification": .string(String(buffer: notification))])
    }

    private func append(_ entry: JSON) {
        let line = entry.bytes + [UInt8(ascii: "\n")]
        // A log for tests: what cannot be written is missed by the check itself.
        line.withUnsafeBytes { bytes in try? descriptor.writeAll(bytes) }
    }
}
