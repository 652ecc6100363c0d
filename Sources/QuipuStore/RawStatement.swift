import GRDBSQLite
import QuipuModel

/// What SQLite answered instead of success.
struct SQLiteFailure: Error {
    var code: Int32
    var message: String

    var isInterrupt: Bool { code & 0xff == SQLITE_INTERRUPT }
}

/// One prepared statement over the bare SQLite API, for what is run too often for anything in
/// between.
///
/// Bound bytes are not copied: they must stay where they are until `reset`.
final class RawStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    /// The first binding that failed; `step` throws it.
    private var bindingCode = SQLITE_OK

    init(_ connection: OpaquePointer, _ sql: String) throws {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(
            connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else {
            throw SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(connection)))
        }
        handle = prepared
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: Parameters, counted from 1

    func bind(_ index: Int32, _ value: Int64) {
        note(sqlite3_bind_int64(handle, index, value))
    }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { note(sqlite3_bind_null(handle, index)) }
    }

    /// NaN, which SQLite would turn into NULL, becomes 0.
    /// At most `Limits.countMax`.
    func bind(_ index: Int32, count: UInt64) {
        bind(index, min(Int64(clamping: count), Limits.countMax))
    }

    func bind(_ index: Int32, _ value: Double) {
        note(sqlite3_bind_double(handle, index, value.isNaN ? 0 : value))
    }

    func bind(_ index: Int32, text: UnsafeRawBufferPointer?) {
        guard let text else { return note(sqlite3_bind_null(handle, index)) }
        bind(index, text: text, Self.stays)
    }

    func bind(_ index: Int32, blob: UnsafeRawBufferPointer) {
        guard let start = blob.baseAddress, !blob.isEmpty else {
            return note(sqlite3_bind_zeroblob(handle, index, 0))
        }
        note(sqlite3_bind_blob64(handle, index, start, UInt64(blob.count), nil))
    }

    /// Copies the text.
    func bind(_ index: Int32, copying text: String?) {
        guard var text else { return note(sqlite3_bind_null(handle, index)) }
        text.withUTF8 { bind(index, text: UnsafeRawBufferPointer($0), Self.copied) }
    }

    /// Copies the text.
    func bind(_ index: Int32, copyingText bytes: [UInt8]) {
        bytes.withUnsafeBytes { bind(index, text: $0, Self.copied) }
    }

    /// Copies the bytes.
    func bind(_ index: Int32, copying bytes: [UInt8]?) {
        guard let bytes else { return note(sqlite3_bind_null(handle, index)) }
        bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress, !buffer.isEmpty else {
                return note(sqlite3_bind_zeroblob(handle, index, 0))
            }
            note(sqlite3_bind_blob64(handle, index, start, UInt64(buffer.count), Self.copied))
        }
    }

    private func bind(
        _ index: Int32, text: UnsafeRawBufferPointer, _ destructor: sqlite3_destructor_type?
    ) {
        guard let start = text.baseAddress, !text.isEmpty else {
            // An empty buffer may have no address, and no address would mean NULL.
            return note(sqlite3_bind_text(handle, index, "", 0, Self.copied))
        }
        note(
            sqlite3_bind_text64(
                handle, index, start.assumingMemoryBound(to: CChar.self), UInt64(text.count),
                destructor, UInt8(SQLITE_UTF8)))
    }

    /// SQLITE_TRANSIENT and SQLITE_STATIC; the first is a cast that Swift cannot import.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    private static let stays: sqlite3_destructor_type? = nil

    private func note(_ code: Int32) {
        if bindingCode == SQLITE_OK { bindingCode = code }
    }

    // MARK: Running

    /// True when there is a row.
    func step() throws -> Bool {
        if bindingCode != SQLITE_OK { throw failure(bindingCode) }
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code)
        }
    }

    /// Forgets the row and the parameters.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
        bindingCode = SQLITE_OK
    }

    /// Runs a statement that gives no rows.
    func run() throws {
        defer { reset() }
        _ = try step()
    }

    private func failure(_ code: Int32) -> SQLiteFailure {
        SQLiteFailure(
            code: sqlite3_extended_errcode(connection),
            message: "\(String(cString: sqlite3_errmsg(connection))) (\(code))")
    }

    // MARK: The row, columns counted from 0

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }
    func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

    /// Valid until the next `step` or `reset`; nil for NULL.
    func bytes(_ column: Int32) -> UnsafeRawBufferPointer? {
        let isText = sqlite3_column_type(handle, column) == SQLITE_TEXT
        let start: UnsafeRawPointer? =
            isText
            ? UnsafeRawPointer(sqlite3_column_text(handle, column))
            : sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        guard let start else {
            return isNull(column) ? nil : UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    func string(_ column: Int32) -> String? {
        bytes(column).map { String(decoding: $0, as: UTF8.self) }
    }
}
