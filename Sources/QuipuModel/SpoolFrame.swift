/// The frame that holds one datagram in a spool segment. Integers are little-endian.
///
///     offset  size  what
///     0       2     magic 0x5150 ("PQ" as bytes: 0x50 0x51)
///     2       1     kind: 1 = datagram, 2 = loss report
///     3       1     dialect of the listener (`Dialect`)
///     4       4     payload bytes
///     8       8     arrival, microseconds since 1970
///     16      8     sequence of the receive that brought it (recovery after a crash)
///     24      …     payload, then zero bytes up to a multiple of 8
///
/// A loss report's payload is two integers of 8 bytes: datagrams refused, and lines in them. A
/// third follows where the cause is not `spool_full`: see `LossReport`.
public enum SpoolFrame {
    public static let headerBytes = 24
    public static let magic: UInt16 = 0x5150

    public enum Kind: UInt8, Sendable {
        case datagram = 1
        case loss = 2
    }

    public struct Header: Equatable, Sendable {
        public var kind: Kind
        public var dialect: Dialect
        public var payloadBytes: Int
        public var arrival: Timestamp
        public var sequence: UInt64

        public init(
            kind: Kind, dialect: Dialect, payloadBytes: Int, arrival: Timestamp, sequence: UInt64
        ) {
            self.kind = kind
            self.dialect = dialect
            self.payloadBytes = payloadBytes
            self.arrival = arrival
            self.sequence = sequence
        }
    }

    /// A frame's whole size, padding included.
    @inlinable
    public static func frameBytes(payloadBytes: Int) -> Int {
        (headerBytes + payloadBytes + 7) & ~7
    }

    /// Writes a header at the beginning of `buffer`, which must hold `headerBytes`.
    public static func write(_ header: Header, to buffer: UnsafeMutableRawBufferPointer) {
        buffer.storeBytes(of: magic.littleEndian, as: UInt16.self)
        buffer.storeBytes(of: header.kind.rawValue, toByteOffset: 2, as: UInt8.self)
        buffer.storeBytes(of: header.dialect.rawValue, toByteOffset: 3, as: UInt8.self)
        buffer.storeBytes(
            of: UInt32(header.payloadBytes).littleEndian, toByteOffset: 4, as: UInt32.self)
        buffer.storeBytes(
            of: header.arrival.microseconds.littleEndian, toByteOffset: 8, as: Int64.self)
        buffer.storeBytes(of: header.sequence.littleEndian, toByteOffset: 16, as: UInt64.self)
    }

    /// Reads the header at the beginning of `buffer`; nil when it is no frame. The payload may lie
    /// beyond the buffer: compare `frameBytes` with what there is.
    public static func read(_ buffer: UnsafeRawBufferPointer) -> Header? {
        guard buffer.count >= headerBytes,
            UInt16(littleEndian: buffer.loadUnaligned(as: UInt16.self)) == magic,
            let kind = Kind(rawValue: buffer[2]), let dialect = Dialect(rawValue: buffer[3])
        else { return nil }
        let payload = UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let arrival = Timestamp(
            microseconds: Int64(
                littleEndian: buffer.loadUnaligned(fromByteOffset: 8, as: Int64.self)))
        guard payload <= Limits.streamLineBytesMax, arrival >= .earliest, arrival <= .latest
        else { return nil }
        return Header(
            kind: kind, dialect: dialect, payloadBytes: Int(payload), arrival: arrival,
            sequence: UInt64(
                littleEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
    }
}

/// Why datagrams that the agent received are not in its spool. The raw value is the number in the
/// frame.
public enum LossCause: UInt64, Sendable, CaseIterable {
    case spoolFull = 0
    /// Longer than `Limits.datagramBytesMax`, or a line of a stream longer than its bound.
    case datagramTooLong = 1
    /// A stream's connection broke in the middle of a line or packet.
    case connectionCut = 2
    /// The disk or someone took the end of a segment. How much was in it nobody knows any more: one
    /// datagram of one line is told for each time.
    case spoolCut = 3

    /// The word in the ledger.
    public var word: String {
        switch self {
        case .spoolFull: "spool_full"
        case .datagramTooLong: "datagram_too_long"
        case .connectionCut: "connection_cut"
        case .spoolCut: "spool_cut"
        }
    }
}

/// The payload of a frame of kind `loss`.
public struct LossReport: Equatable, Sendable {
    public var cause: LossCause
    public var datagrams: UInt64
    /// Lines in them, as the decoder would have counted them; one where nobody could count.
    public var lines: UInt64

    public init(cause: LossCause, datagrams: UInt64, lines: UInt64) {
        self.cause = cause
        self.datagrams = datagrams
        self.lines = lines
    }

    public var payloadBytes: Int { cause == .spoolFull ? 16 : 24 }

    /// Writes the payload at the beginning of `buffer`, which must hold `payloadBytes`.
    public func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer.storeBytes(of: datagrams.littleEndian, as: UInt64.self)
        buffer.storeBytes(of: lines.littleEndian, toByteOffset: 8, as: UInt64.self)
        guard cause != .spoolFull else { return }
        buffer.storeBytes(of: cause.rawValue.littleEndian, toByteOffset: 16, as: UInt64.self)
    }

    /// Nil when the payload is no loss report.
    public init?(_ payload: UnsafeRawBufferPointer) {
        func integer(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: payload.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        switch payload.count {
        case 16: cause = .spoolFull
        case 24:
            guard let cause = LossCause(rawValue: integer(16)) else { return nil }
            self.cause = cause
        default: return nil
        }
        datagrams = integer(0)
        lines = integer(8)
    }
}
