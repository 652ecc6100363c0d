import Platform
import QuipuModel

/// Sends metrics and events to the agent's `metrics.sock`, one datagram at a time.
public struct DatagramSender: ~Copyable {
    private let descriptor: OwnedDescriptor

    public init(path: String) throws(ClientError) {
        do throws(SystemError) {
            descriptor = try Self.connect(to: path)
        } catch {
            throw ClientError(connecting: error, to: path)
        }
    }

    private static func connect(to path: String) throws(SystemError) -> OwnedDescriptor {
        let descriptor = try UnixSocket.connect(to: path, kind: .datagram)
        try descriptor.limitSending(seconds: Limits.fullQueueSecondsMax)
        return descriptor
    }

    /// Waits while the agent's queue is full, so that a script loses nothing; but not for an agent
    /// that takes nothing for `Limits.fullQueueSecondsMax`.
    public func send(_ datagram: [UInt8]) throws(ClientError) {
        let result = datagram.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try descriptor.send(bytes) }
        }
        guard case .failure(let error) = result else { return }
        if error.isWouldBlock { throw .queueFull(seconds: Limits.fullQueueSecondsMax) }
        throw ClientError(onConnection: error)
    }
}
