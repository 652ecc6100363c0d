import GRDBSQLite

/// Functions of SQLite's own that within one call, where nobody looks at the clock, may take
/// minutes, or all of the stack. Here they tell first what they would cost, and end instead.
///
/// What they compute is what SQLite computes, on a connection beside.
final class SQLBoundedFunctions {
    /// What `printf` may be told to fill.
    private static let widthsMax: UInt64 = 1_000_000
    /// Products of two lengths, by what a pair of bytes costs.
    private static let searchMax = 1 << 30
    private static let patternMax = 1 << 26
    private static let mergeMax = 1 << 32
    /// Each step of a path takes a frame of the stack.
    private static let pathBytesMax = 1_000
    /// More than an author has combinations of names and numbers of arguments.
    private static let statementsMax = 100

    private static let all: [Function] = [
        Function(name: "printf", argumentCount: -1) { widths($0) },
        Function(name: "format", argumentCount: -1) { widths($0) },
        Function(name: "instr", argumentCount: 2) { product($0, searchMax) },
        Function(name: "replace", argumentCount: 3) { product($0, searchMax) },
        Function(name: "trim", argumentCount: 2) { product($0, patternMax) },
        Function(name: "ltrim", argumentCount: 2) { product($0, patternMax) },
        Function(name: "rtrim", argumentCount: 2) { product($0, patternMax) },
        Function(name: "like", argumentCount: 2) { product($0, patternMax) },
        Function(name: "like", argumentCount: 3) { product($0, patternMax) },
        Function(name: "glob", argumentCount: 2) { product($0, patternMax) },
        Function(name: "json_patch", argumentCount: 2, isJSON: true) { product($0, mergeMax) },
        Function(name: "json_set", argumentCount: -1, isJSON: true) { paths($0) },
        Function(name: "json_insert", argumentCount: -1, isJSON: true) { paths($0) },
    ]

    private typealias Arguments = UnsafeBufferPointer<OpaquePointer?>

    private struct Function {
        let name: String
        let argumentCount: Int32
        /// Its result is JSON to other functions, and so may its arguments be.
        var isJSON = false
        /// Why it is not called with these, if so.
        let objection: @Sendable (Arguments) -> String?
    }

    /// What SQLite keeps with a function.
    private final class Registration {
        let function: Function
        unowned let owner: SQLBoundedFunctions

        init(_ function: Function, _ owner: SQLBoundedFunctions) {
            self.function = function
            self.owner = owner
        }
    }

    /// Looked at before each call.
    var deadline: Deadline?
    private let connection: OpaquePointer
    private var statements: [String: OpaquePointer] = [:]
    private var registrations: [Registration] = []

    init() throws {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(":memory:", &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw SQLiteFailure(code: code, message: "cannot open a connection for functions")
        }
        connection = handle
        for (limit, value) in SQLSandbox.valueLimits { sqlite3_limit(handle, limit, value) }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(connection)
    }

    /// For a connection that does not outlive `self`.
    func register(on connection: OpaquePointer) -> Bool {
        registrations = Self.all.map { Registration($0, self) }
        let flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS | SQLITE_SUBTYPE
        return registrations.allSatisfy { registration in
            sqlite3_create_function_v2(
                connection, registration.function.name, registration.function.argumentCount, flags,
                Unmanaged.passUnretained(registration).toOpaque(),
                { call, count, arguments in
                    guard let call, let data = sqlite3_user_data(call) else { return }
                    let registration = Unmanaged<Registration>.fromOpaque(data)
                        .takeUnretainedValue()
                    registration.owner.answer(
                        call, registration.function,
                        Arguments(start: arguments, count: Int(count)))
                }, nil, nil, nil) == SQLITE_OK
        }
    }

    private func answer(_ call: OpaquePointer, _ function: Function, _ arguments: Arguments) {
        if let deadline, deadline.hasEnded {
            return sqlite3_result_error_code(call, SQLITE_INTERRUPT)
        }
        if let objection = function.objection(arguments) {
            return sqlite3_result_error(call, "\(function.name): \(objection)", -1)
        }
        guard let statement = statement(function, arguments) else { return fail(call) }
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, argument) in arguments.enumerated() {
            guard sqlite3_bind_value(statement, Int32(index + 1), argument) == SQLITE_OK else {
                return fail(call)
            }
        }
        guard sqlite3_step(statement) == SQLITE_ROW else { return fail(call) }
        sqlite3_result_value(call, sqlite3_column_value(statement, 0))
        if function.isJSON, sqlite3_column_type(statement, 0) == SQLITE_TEXT {
            sqlite3_result_subtype(call, Self.jsonSubtype)
        }
    }

    private func fail(_ call: OpaquePointer) {
        switch sqlite3_errcode(connection) {
        case SQLITE_NOMEM: sqlite3_result_error_nomem(call)
        case SQLITE_TOOBIG: sqlite3_result_error_toobig(call)
        default: sqlite3_result_error(call, sqlite3_errmsg(connection), -1)
        }
    }

    /// How SQLite marks a text that a JSON function made: `J`.
    private static let jsonSubtype: UInt32 = 74

    private func statement(_ function: Function, _ arguments: Arguments) -> OpaquePointer? {
        let parameters = arguments.enumerated().map { index, argument in
            // Binding loses the mark.
            let isJSON = function.isJSON && sqlite3_value_subtype(argument) == Self.jsonSubtype
            return isJSON ? "json(?\(index + 1))" : "?\(index + 1)"
        }
        let text = "SELECT \(function.name)(\(parameters.joined(separator: ", ")))"
        if let known = statements[text] { return known }
        if statements.count >= Self.statementsMax {
            for statement in statements.values { sqlite3_finalize(statement) }
            statements = [:]
        }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(connection, text, -1, &statement, nil) == SQLITE_OK else {
            return nil
        }
        statements[text] = statement
        return statement
    }

    // MARK: Costs

    /// Numbers are short as texts.
    private static func bytes(_ value: OpaquePointer?) -> Int {
        switch sqlite3_value_type(value) {
        case SQLITE_TEXT, SQLITE_BLOB: Int(sqlite3_value_bytes(value))
        default: 32
        }
    }

    private static func product(_ arguments: Arguments, _ productMax: Int) -> String? {
        let lengths = arguments.prefix(2).map(bytes)
        // Neither exceeds what a value may have.
        guard lengths.count == 2, lengths[0] * lengths[1] > productMax else { return nil }
        return "\(lengths[0]) times \(lengths[1]) bytes are too many; at most \(productMax)"
    }

    private static func paths(_ arguments: Arguments) -> String? {
        let paths = stride(from: 1, to: arguments.count, by: 2)
        guard paths.contains(where: { bytes(arguments[$0]) > pathBytesMax }) else { return nil }
        return "a path has at most \(pathBytesMax) bytes"
    }

    private static func widths(_ arguments: Arguments) -> String? {
        guard let first = arguments.first, let text = sqlite3_value_text(first) else { return nil }
        let format = UnsafeBufferPointer(start: text, count: Int(sqlite3_value_bytes(first)))
        var cost = SQLFormatCost(arguments.dropFirst().map { sqlite3_value_int64($0).magnitude })
        guard let widths = cost.widths(of: format) else {
            return "the format has a conversion that is not known here"
        }
        guard widths > widthsMax else { return nil }
        return "widths and precisions are \(widths) together; at most \(widthsMax)"
    }
}
