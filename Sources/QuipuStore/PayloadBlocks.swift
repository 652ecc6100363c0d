import CZstd
import GRDBSQLite
import QuipuModel

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

/// The payloads of one batch, compressed together in blocks, apart from the facts, so that they can
/// be dropped by age.
struct PackedPayloads: Sendable {
    struct Block: Sendable {
        /// Where it begins in the batch's payloads, and how much of them it holds.
        var rawStart: Int
        var rawCount: Int
        /// Where it ends in `bytes`; it begins where the one before it ends.
        var end: Int
        var firstTime: Int64
        var lastTime: Int64
    }

    var blocks: [Block] = []
    var bytes: [UInt8] = []
    /// `PromptText.hash` of the prompts that are payloads, by where these lie.
    var promptHashes: [UInt32: UInt64] = [:]
}

/// Packs payloads. Not safe to share between threads.
public final class PayloadPacker {
    /// A block is closed before it would hold more than this; one payload may be longer.
    private static let blockBytes = 64 << 10
    private static let compressionLevel: Int32 = 1

    private let compressor: OpaquePointer?
    /// Where a block is compressed to; it stays in the processor's cache.
    private var scratch = [UInt8](repeating: 0, count: ZSTD_compressBound(blockBytes))

    public init() { compressor = ZSTD_createCCtx() }

    deinit { ZSTD_freeCCtx(compressor) }

    /// Packs a batch's payloads and lets go of the raw ones. The commit packs what is not packed
    /// yet, but that is the writer's time.
    public func pack(_ batch: inout PendingBatch) {
        guard batch.packed == nil, let packed = try? pack(batch.decoded) else { return }
        batch.packed = packed
        batch.decoded.payloads = []
    }

    func pack(_ decoded: DecodedBatch) throws -> PackedPayloads {
        var packed = PackedPayloads()
        packed.bytes.reserveCapacity(decoded.payloads.count / 2)
        var block: PackedPayloads.Block?
        for event in decoded.events where !event.payload.isNone {
            let range = event.payload.range
            let time = event.time.microseconds
            if Self.isPrompt(event, decoded) {
                packed.promptHashes[event.payload.offset] = decoded.payloads.withUnsafeBytes {
                    PromptText.hash(in: UnsafeRawBufferPointer(rebasing: $0[range]))
                }
            }
            if var open = block, range.upperBound - open.rawStart <= Self.blockBytes {
                open.rawCount = range.upperBound - open.rawStart
                open.firstTime = min(open.firstTime, time)
                open.lastTime = max(open.lastTime, time)
                block = open
            } else {
                if let block { try close(block, decoded.payloads, into: &packed) }
                block = PackedPayloads.Block(
                    rawStart: range.lowerBound, rawCount: range.count, end: 0, firstTime: time,
                    lastTime: time)
            }
        }
        if let block { try close(block, decoded.payloads, into: &packed) }
        return packed
    }

    private static func isPrompt(_ event: EventRecord, _ decoded: DecodedBatch) -> Bool {
        !event.kind.isNone && decoded.bytes[event.kind.range].elementsEqual("prompt".utf8)
    }

    private func close(
        _ block: PackedPayloads.Block, _ payloads: [UInt8], into packed: inout PackedPayloads
    ) throws {
        guard let compressor else {
            throw SQLiteFailure(code: SQLITE_NOMEM, message: "no memory for the compressor")
        }
        let bound = ZSTD_compressBound(block.rawCount)
        if scratch.count < bound { scratch = [UInt8](repeating: 0, count: bound) }
        let count = scratch.withUnsafeMutableBytes { into in
            payloads.withUnsafeBytes { from in
                ZSTD_compressCCtx(
                    compressor, into.baseAddress, into.count,
                    from.baseAddress.map { $0 + block.rawStart }, block.rawCount,
                    Self.compressionLevel)
            }
        }
        guard ZSTD_isError(count) == 0 else {
            throw SQLiteFailure(
                code: SQLITE_ERROR, message: "zstd: \(String(cString: ZSTD_getErrorName(count)))")
        }
        packed.bytes.append(contentsOf: scratch[..<count])
        // One huge payload must not hold its memory for ever.
        if scratch.count > 4 * Self.blockBytes { scratch = [] }
        var block = block
        block.end = packed.bytes.count
        packed.blocks.append(block)
    }
}

/// Writes the blocks of one batch after the other and tells where each payload came to lie.
final class PayloadBlockWriter {
    private let insert: RawStatement
    private let packer = PayloadPacker()
    /// The id that the next block gets.
    private(set) var nextID: Int64
    /// The blocks of the batch that is being stored, and the one that the last payload lay in.
    private var blocks: [PackedPayloads.Block] = []
    private var firstID: Int64 = 0
    private var current = 0
    private var promptHashes: [UInt32: UInt64] = [:]

    init(_ connection: OpaquePointer) throws {
        insert = try RawStatement(
            connection,
            """
            INSERT INTO payload_blocks (id, first_time, last_time, raw_bytes, data)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        let next = try RawStatement(
            connection, "SELECT value FROM counters WHERE name = 'next_payload_block'")
        nextID = try next.step() ? next.int(0) : 1
    }

    func begin(_ batch: PendingBatch) throws {
        let packed = try batch.packed ?? packer.pack(batch.decoded)
        blocks = packed.blocks
        firstID = nextID
        current = 0
        promptHashes = packed.promptHashes
        var start = 0
        for block in blocks {
            insert.bind(1, nextID)
            insert.bind(2, block.firstTime)
            insert.bind(3, block.lastTime)
            insert.bind(4, Int64(block.rawCount))
            try packed.bytes.withUnsafeBytes {
                insert.bind(5, blob: UnsafeRawBufferPointer(rebasing: $0[start..<block.end]))
                try insert.run()
            }
            start = block.end
            nextID += 1
        }
    }

    /// `PromptText.hash` of a payload of the batch; nil where it is no prompt.
    func promptHash(of payload: Slice) -> UInt64? {
        payload.isNone ? nil : promptHashes[payload.offset]
    }

    /// Where a payload of the batch lies. Payloads are asked for in their order.
    func reference(to payload: Slice) -> PayloadReference? {
        guard !payload.isNone else { return nil }
        let range = payload.range
        while current < blocks.count,
            range.lowerBound >= blocks[current].rawStart + blocks[current].rawCount
        {
            current += 1
        }
        guard current < blocks.count, range.lowerBound >= blocks[current].rawStart else {
            return nil
        }
        return PayloadReference(
            block: firstID + Int64(current), offset: range.lowerBound - blocks[current].rawStart,
            count: range.count)
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
