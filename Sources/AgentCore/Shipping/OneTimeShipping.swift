public import Platform
public import QuipuModel

/// Ships what there is now, and ends: for imports. Files go as the same sources that an agent makes
/// of them, so that neither tells the daemon what it has from the other.
public final class OneTimeShipping {
    /// How far it is.
    public struct Progress: Sendable {
        public var doneBytes: UInt64
        public var totalBytes: UInt64

        /// Whole only when all is done. By division: a hundred times the bytes of a sparse file may
        /// be more than a number holds.
        public var percent: Int {
            guard doneBytes < totalBytes else { return 100 }
            return min(Int(Double(doneBytes) / Double(totalBytes) * 100), 99)
        }
    }

    public enum Failure: Error, CustomStringConvertible {
        /// The daemon could not be reached, or not for long enough.
        case unreachable(String)
        case system(SystemError)

        public var description: String {
            switch self {
            case .unreachable(let socket): "quipud cannot be reached at \(socket)"
            case .system(let error): error.description
            }
        }
    }

    private let socketPath: String
    private let link: ShippingLink
    private let system = OperatingSystem()
    private let openFiles = OpenFiles()
    private var tokens: Set<SourceToken> = []
    private var paths: [SourceToken: String] = [:]
    private var totalBytes: UInt64 = 0
    /// When documents are looked at again, monotonic milliseconds; 0 while none waits.
    private var settleAtMs: Int64 = 0
    /// What the daemon would not take: path and reason.
    public private(set) var refused: [(path: String, reason: String)] = []

    /// How long a daemon that went away is waited for.
    private static let patienceMs: Int64 = 10_000
    private static let linkToken: UInt64 = 1

    public init(ingestSocket: String, report: @escaping Report) throws(SystemError) {
        socketPath = ingestSocket
        link = try ShippingLink(
            socketPath: ingestSocket, random: SystemRandomNumberGenerator(), system: system,
            report: report)
    }

    private static var nowMs: Int64 { MonotonicClock.microseconds() / 1_000 }

    // MARK: Sources

    /// A log, up to its last whole line. Its identity.
    public func addFile(_ path: String) throws(SystemError) -> SourceIdentity {
        let status = try FileStatus(path: path, followingLinks: true)
        var owner: UInt32?
        let named = try FileStatus(path: path, followingLinks: false)
        if named.kind == .link { owner = named.owner }
        let file = TailedFile(
            status, TailedFile.Name(path: path, linkOwner: owner, isWatched: true),
            host: SourceIdentity.ownHost, openFiles: openFiles, system: system)
        add(file, size: status.sizeBytes)
        return file.identity
    }

    /// Lines that were made here; `key` names them for good.
    public func addLines(_ bytes: [UInt8], key: String, path: String) -> SourceIdentity {
        let identity = SourceIdentity(
            host: SourceIdentity.ownHost, kind: .file, key: key, path: path)
        let token = add(
            MemorySource(identity: identity, bytes: bytes), size: UInt64(bytes.count))
        _ = link.end(token, .complete)
        return identity
    }

    @discardableResult
    private func add(_ source: any ShippableSource, size: UInt64) -> SourceToken {
        let token = link.add(source, size: size)
        tokens.insert(token)
        paths[token] = source.identity.path
        totalBytes = totalBytes.addingClamped(size)
        return token
    }

    // MARK: Running

    /// Ships until the daemon has everything or has refused it.
    public func run(_ progress: (Progress) -> Void) throws(Failure) {
        var deadlineMs = Self.nowMs + Self.patienceMs
        var polled = -1
        do throws(SystemError) {
            var poller = try Poller()
            while !tokens.isEmpty, !link.shipper.isCaughtUp {
                link.connectIfDue(nowMs: Self.nowMs)
                let hasMore = link.pump(nowMs: Self.nowMs)
                if try poll(&poller, &polled, hasMore: hasMore) {
                    deadlineMs = Self.nowMs + Self.patienceMs
                } else if polled < 0 || Self.nowMs >= deadlineMs {
                    // Who was never there is not waited for.
                    break
                }
                settle()
                let left = min(link.shipper.backlogBytes, totalBytes)
                progress(Progress(doneBytes: totalBytes - left, totalBytes: totalBytes))
            }
        } catch {
            throw .system(error)
        }
        guard tokens.isEmpty || link.shipper.isCaughtUp else { throw .unreachable(socketPath) }
    }

    /// Documents are read once they have stood still for a moment.
    private func settle() {
        guard link.shipper.hasSettling else { return }
        let now = Self.nowMs
        if settleAtMs == 0 { settleAtMs = now + AgentLimits.settleMs }
        guard now >= settleAtMs else { return }
        settleAtMs = 0
        link.settleAll()
    }

    /// Waits for the daemon; false without a connection.
    private func poll(
        _ poller: inout Poller, _ polled: inout Int, hasMore: Bool
    ) throws(SystemError) -> Bool {
        guard let raw = link.descriptor else {
            if polled >= 0 { try poller.wait(milliseconds: 50) { _ in } }
            return false
        }
        let interest: Poller.Interest = link.isBlocked ? [.read, .write] : .read
        if polled != link.connectionCount {
            try poller.add(raw, interest, token: Self.linkToken)
            polled = link.connectionCount
        } else {
            try poller.change(raw, interest, token: Self.linkToken)
        }
        try poller.wait(milliseconds: hasMore ? 0 : settleAtMs > 0 ? 20 : 1_000) { _ in }
        for outcome in link.receive(nowMs: Self.nowMs) { take(outcome) }
        return true
    }

    private func take(_ outcome: Shipper.Outcome) {
        switch outcome {
        case .none, .nonsense, .advanced, .finished: break
        case .failed(let token, let reason):
            refused.append((path: paths[token] ?? "", reason: reason))
            tokens.remove(token)
            link.remove(token)
        }
    }
}

/// Lines that are nowhere but here.
private final class MemorySource: ShippableSource {
    let identity: SourceIdentity
    private let bytes: [UInt8]

    init(identity: SourceIdentity, bytes: [UInt8]) {
        self.identity = identity
        self.bytes = bytes
    }

    func size() -> UInt64 { UInt64(bytes.count) }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard offset < UInt64(bytes.count) else { return 0 }
        let part = bytes[Int(offset)...].prefix(buffer.count)
        buffer.copyBytes(from: part)
        return part.count
    }
}
