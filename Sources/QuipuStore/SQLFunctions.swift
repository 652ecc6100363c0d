import GRDBSQLite
import QuipuModel
import Sketches

/// What the views need beyond SQLite's own functions.
enum SQLFunctions {
    /// `(data, start, tier)`: a block's rollups as a JSON array of
    /// `[bucket, count, sum, min, max, last, last_time]`; of sets the count is of distinct members.
    static let points = "quipu_points"
    /// An aggregate of `(value, time)`: the value with the largest time.
    static let latest = "quipu_latest"
    /// An aggregate of the members of sets: how many distinct ones there are.
    static let distinct = "quipu_distinct"

    static func register(on connection: OpaquePointer) -> Bool {
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS
        let packer = Unmanaged.passRetained(ColumnPacker())
        let codes = [
            // The packer is released with the connection, also where this fails.
            sqlite3_create_function_v2(
                connection, points, 3, flags, packer.toOpaque(),
                { call, _, arguments in SQLFunctions.writePoints(call, arguments) }, nil, nil,
                { packer in packer.map { Unmanaged<ColumnPacker>.fromOpaque($0).release() } }),
            sqlite3_create_function_v2(
                connection, latest, 2, flags, nil, nil,
                { call, _, arguments in Latest.step(call, arguments) },
                { call in Latest.finish(call) }, nil),
            sqlite3_create_function_v2(
                connection, distinct, 1, flags, nil, nil,
                { call, _, arguments in Distinct.step(call, arguments) },
                { call in Distinct.finish(call) }, nil),
        ]
        return codes.allSatisfy { $0 == SQLITE_OK }
    }

    fileprivate static func writePoints(
        _ call: OpaquePointer?, _ arguments: UnsafeMutablePointer<OpaquePointer?>?
    ) {
        guard let call, let arguments, let context = sqlite3_user_data(call) else { return }
        let packer = Unmanaged<ColumnPacker>.fromOpaque(context).takeUnretainedValue()
        // Without memory for it there is no start, and still a length.
        let start = sqlite3_value_blob(arguments[0])
        let data = UnsafeRawBufferPointer(
            start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(arguments[0])))
        guard let tier = MetricTier(rawValue: sqlite3_value_int64(arguments[2])),
            let json = json(data, start: sqlite3_value_int64(arguments[1]), tier, packer)
        else { return sqlite3_result_error(call, "a block of rollups is damaged", -1) }
        // -1: SQLite copies the text.
        json.withCString {
            sqlite3_result_text(
                call, $0, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }

    private static func json(
        _ data: UnsafeRawBufferPointer, start: Int64, _ tier: MetricTier, _ packer: ColumnPacker
    ) -> String? {
        guard
            var block = RollupBlockReader(
                data, start: start, width: tier.seconds, packer, .numbers)
        else { return nil }
        var text = "["
        do {
            while let point = try block.point() {
                let rollup = point.pair.rollup
                if text.utf8.count > 1 { text += "," }
                text += "[\(point.bucket)"
                let count = point.pair.members?.estimate ?? rollup.count
                for value in [count, rollup.sum, rollup.min, rollup.max, rollup.last] {
                    text += value.isFinite ? ",\(value)" : ",null"
                }
                text += ",\(rollup.lastMicroseconds)]"
            }
        } catch { return nil }
        return text + "]"
    }
}

/// The state of `quipu_latest`, in memory that SQLite has zeroed.
private struct Latest {
    var isSet: Bool
    var time: Int64
    var value: Double

    static func step(
        _ call: OpaquePointer?, _ arguments: UnsafeMutablePointer<OpaquePointer?>?
    ) {
        guard let call, let arguments,
            let memory = sqlite3_aggregate_context(call, Int32(MemoryLayout<Latest>.size))
        else { return }
        let state = memory.assumingMemoryBound(to: Latest.self)
        let time = sqlite3_value_int64(arguments[1])
        guard !state.pointee.isSet || time >= state.pointee.time else { return }
        state.pointee = Latest(
            isSet: true, time: time, value: sqlite3_value_double(arguments[0]))
    }

    static func finish(_ call: OpaquePointer?) {
        guard let call else { return }
        guard let memory = sqlite3_aggregate_context(call, 0) else {
            return sqlite3_result_null(call)
        }
        sqlite3_result_double(call, memory.assumingMemoryBound(to: Latest.self).pointee.value)
    }
}

/// The state of `quipu_distinct`; SQLite finishes each aggregate that it began, which frees it.
private final class Distinct {
    private var members = DistinctCounter()

    /// Where SQLite keeps the state; nil where it has none.
    private static func slot(
        _ call: OpaquePointer, byteCount: Int
    ) -> UnsafeMutablePointer<Unmanaged<Distinct>?>? {
        sqlite3_aggregate_context(call, Int32(byteCount))?
            .assumingMemoryBound(to: Unmanaged<Distinct>?.self)
    }

    static func step(
        _ call: OpaquePointer?, _ arguments: UnsafeMutablePointer<OpaquePointer?>?
    ) {
        guard let call, let arguments, let bytes = sqlite3_value_blob(arguments[0]),
            let slot = slot(call, byteCount: MemoryLayout<Unmanaged<Distinct>?>.size)
        else { return }
        let state = slot.pointee ?? Unmanaged.passRetained(Distinct())
        slot.pointee = state
        let count = Int(sqlite3_value_bytes(arguments[0]))
        guard
            let more = DistinctCounter(
                encoded: UnsafeRawBufferPointer(start: bytes, count: count))
        else { return sqlite3_result_error(call, "the members of a set are damaged", -1) }
        state.takeUnretainedValue().members.merge(more)
    }

    static func finish(_ call: OpaquePointer?) {
        guard let call else { return }
        guard let slot = slot(call, byteCount: 0), let state = slot.pointee else {
            return sqlite3_result_null(call)
        }
        sqlite3_result_double(call, state.takeUnretainedValue().members.estimate)
        state.release()
        slot.pointee = nil
    }
}
