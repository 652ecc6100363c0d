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
/// A loss report's payload is two integers of 8 bytes: datagrams refused, and lines in them.
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
        guard payload <= Limits.datagramBytesMax else { return nil }
        return Header(
            kind: kind, dialect: dialect, payloadBytes: Int(payload),
            arrival: Timestamp(
                microseconds: Int64(
                    littleEndian: buffer.loadUnaligned(fromByteOffset: 8, as: Int64.self))),
            sequence: UInt64(
                littleEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
    }
}
