/// What kind of bytes a source holds.
public enum SourceKind: String, Sendable {
    /// A log: lines of text.
    case file
    /// A file that is rewritten in place: a JSON array, or one object. Known by its path.
    case document
    /// A segment of the agent's spool: frames that each hold one datagram (see `SpoolFrame`).
    case datagrams

    /// How its records lie in it; nil where they have frames.
    public var recordShape: RecordShape? {
        switch self {
        case .file: .lines
        case .document: .document
        case .datagrams: nil
        }
    }
}

/// Which stream of bytes a batch belongs to, as its agent knows it.
public struct SourceIdentity: Hashable, Sendable {
    /// What agents leave out: they cannot know by which name the database knows their machine.
    public static let ownHost = ""

    /// The machine that it is on; `ownHost`: the daemon's.
    public var host: String
    public var kind: SourceKind
    /// For files: device, inode, generation and birth time, so that neither a rename nor a reused
    /// inode confuses two files; the daemon leaves out the device (`SourceKey`). For documents: the
    /// path, since their writers rename new files over them. Else opaque to the daemon.
    public var key: String
    /// Where it was when it was opened; for people and for reading session and hook names from.
    public var path: String
    /// The key that a document had before it was renamed.
    public var formerKey: String?

    public init(
        host: String, kind: SourceKind, key: String, path: String, formerKey: String? = nil
    ) {
        self.host = host
        self.kind = kind
        self.key = key
        self.path = path
        self.formerKey = formerKey
    }
}

/// A hash of a source's first bytes, which tells a file that was rewritten in place from one that
/// grew. Of a document: of everything before the position.
public struct SourceHead: Hashable, Sendable {
    /// How many bytes were hashed, at most `Limits.headBytes`.
    public var bytes: Int
    /// FNV-1a, 64 bits, of those bytes.
    public var hash: UInt64

    public init(bytes: Int, hash: UInt64) {
        self.bytes = bytes
        self.hash = hash
    }

    public static func of(_ bytes: UnsafeRawBufferPointer) -> SourceHead {
        var hash = FNV1a()
        hash.combine(bytes)
        return SourceHead(bytes: bytes.count, hash: hash.value)
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv). For identity, not against an adversary.
public struct FNV1a: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    /// Goes on from the value of another one.
    public init(continuing value: UInt64) { self.value = value }

    public mutating func combine(_ bytes: UnsafeRawBufferPointer) {
        var hash = value
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        value = hash
    }

    public mutating func combine(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}

/// How StatsD text of a listener treats signed gauges.
public enum Dialect: UInt8, Sendable {
    /// `+5` and `-5` change the gauge, unless the line carries a DogStatsD field.
    case statsd = 0
    /// `+5` and `-5` set the gauge.
    case dogstatsd = 1
}
