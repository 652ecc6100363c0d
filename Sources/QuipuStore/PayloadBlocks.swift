import CZstd
import GRDBSQLite

/// Where an event's payload lies: `count` bytes at `offset` of the uncompressed block.
struct PayloadReference: Equatable {
    var block: Int64
    var offset: Int
    var count: Int

    init(block: Int64, offset: Int, count: Int) {
        self.block = block
        self.offset = offset
        self.count = count
    }

    /// Offset and count as one column.
    var packed: Int64 { Int64(offset) << 32 | Int64(count) }

    /// Nil when there is no payload, or none that the columns could mean.
    init?(block: Int64?, packed: Int64?) {
        guard let block, let packed, packed >= 0 else { return nil }
        self.init(block: block, offset: Int(packed >> 32), count: Int(packed & 0xffff_ffff))
    }
}

/// Collects payloads of one transaction into blocks, compressed together, apart from the facts, so
/// that they can be dropped by age.
final class PayloadBlockWriter {
    /// A block is closed once it holds this much.
    static let blockBytes = 64 << 10
    private static let compressionLevel: Int32 = 1

    private let insert: RawStatement
    private let compressor: OpaquePointer
    private var nextID: Int64
    private var pending: [UInt8] = []
    private var compressed: [UInt8] = []
    private var firstTime = Int64.max
    private var lastTime = Int64.min

    init(_ connection: OpaquePointer) throws {
        insert = try RawStatement(
            connection,
            """
            INSERT INTO payload_blocks (id, first_time, last_time, raw_bytes, data)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        let newest = try RawStatement(connection, "SELECT max(id) FROM payload_blocks")
        nextID = try newest.step() ? newest.int(0) + 1 : 1
        guard let context = ZSTD_createCCtx() else {
            throw SQLiteFailure(code: SQLITE_NOMEM, message: "no memory for the compressor")
        }
        compressor = context
        pending.reserveCapacity(2 * Self.blockBytes)
    }

    deinit { ZSTD_freeCCtx(compressor) }

    func append(_ payload: UnsafeRawBufferPointer, time: Int64) throws -> PayloadReference {
        if payload.count >= Self.blockBytes {
            try flush()
            note(time)
            defer { startAnew() }
            try write(payload)
            return PayloadReference(block: nextID, offset: 0, count: payload.count)
        }
        if pending.count + payload.count > Self.blockBytes { try flush() }
        note(time)
        let reference = PayloadReference(
            block: nextID, offset: pending.count, count: payload.count)
        pending.append(contentsOf: payload)
        return reference
    }

    /// Writes what is pending. Has to be called before the transaction ends.
    func flush() throws {
        guard !pending.isEmpty else { return }
        try pending.withUnsafeBytes { try write($0) }
        startAnew()
    }

    private func note(_ time: Int64) {
        firstTime = min(firstTime, time)
        lastTime = max(lastTime, time)
    }

    private func startAnew() {
        nextID += 1
        pending.removeAll(keepingCapacity: true)
        // One huge payload must not hold its memory for ever.
        if compressed.count > 4 * Self.blockBytes { compressed = [] }
        firstTime = .max
        lastTime = .min
    }

    private func write(_ raw: UnsafeRawBufferPointer) throws {
        let bound = ZSTD_compressBound(raw.count)
        if compressed.count < bound { compressed = [UInt8](repeating: 0, count: bound) }
        let count = compressed.withUnsafeMutableBytes {
            ZSTD_compressCCtx(
                compressor, $0.baseAddress, $0.count, raw.baseAddress, raw.count,
                Self.compressionLevel)
        }
        guard ZSTD_isError(count) == 0 else {
            throw SQLiteFailure(
                code: SQLITE_ERROR, message: "zstd: \(String(cString: ZSTD_getErrorName(count)))")
        }
        insert.bind(1, nextID)
        insert.bind(2, firstTime)
        insert.bind(3, lastTime)
        insert.bind(4, Int64(raw.count))
        try compressed.withUnsafeBytes {
            insert.bind(5, blob: UnsafeRawBufferPointer(rebasing: $0[..<count]))
            try insert.run()
        }
    }
}

/// Reads payloads back; keeps the last block, since neighbours are asked for together.
final class PayloadBlockReader {
    /// No block that was written is larger than this.
    private static let rawBytesMax = 64 << 20

    private let find: RawStatement
    private var id: Int64 = -1
    private var raw: [UInt8] = []

    init(_ connection: OpaquePointer) throws {
        find = try RawStatement(
            connection, "SELECT raw_bytes, data FROM payload_blocks WHERE id = ?1")
    }

    /// Nil when retention has dropped the block.
    func payload(_ reference: PayloadReference) throws -> ArraySlice<UInt8>? {
        if reference.block != id { try load(reference.block) }
        let end = reference.offset + reference.count
        return end <= raw.count ? raw[reference.offset..<end] : nil
    }

    private func load(_ block: Int64) throws {
        id = -1
        raw = []
        find.bind(1, block)
        defer { find.reset() }
        if try find.step() {
            let count = Int(find.int(0))
            guard let data = find.bytes(1), (0...Self.rawBytesMax).contains(count) else {
                throw damaged(block)
            }
            raw = [UInt8](repeating: 0, count: count)
            let result = raw.withUnsafeMutableBytes {
                ZSTD_decompress($0.baseAddress, $0.count, data.baseAddress, data.count)
            }
            guard ZSTD_isError(result) == 0, result == count else { throw damaged(block) }
        }
        id = block
    }

    private func damaged(_ block: Int64) -> SQLiteFailure {
        SQLiteFailure(code: SQLITE_CORRUPT, message: "payload block \(block) is damaged")
    }
}
