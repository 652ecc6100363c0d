import Platform

/// Sends metrics and events to the agent's `metrics.sock`, one datagram at a time.
public struct DatagramSender: ~Copyable {
    private let descriptor: OwnedDescriptor

    public init(path: String) throws(ClientError) {
        do throws(SystemError) {
            descriptor = try UnixSocket.connect(to: path, kind: .datagram)
        } catch {
            throw ClientError(connecting: error, to: path)
        }
    }

    /// Waits while the agent's queue is full, so that a script loses nothing.
    public func send(_ datagram: [UInt8]) throws(ClientError) {
        let result = datagram.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try descriptor.send(bytes) }
        }
        if case .failure(let error) = result { throw ClientError(onConnection: error) }
    }
}
