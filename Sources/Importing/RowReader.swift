import QuipuModel
import QuipuProtocol

/// Why a row is not taken.
struct Refusal: Error {
    var column: String
    var reason: String
}

/// The columns of one row, with what is wrong told by name.
struct RowReader {
    let row: JSON
    /// What it is called in reports.
    let label: String
    let times: LocalTime

    func value(_ column: String) -> JSON? {
        guard let value = row[column], value != .null else { return nil }
        return value
    }

    /// Text that says something; numbers count as their text.
    func text(_ column: String) throws(Refusal) -> String? {
        guard let value = value(column) else { return nil }
        if let text = value.string { return text.isEmpty ? nil : text }
        if let number = value.int { return String(number) }
        throw Refusal(column: column, reason: "\(value.typeName) where text belongs")
    }

    func required(_ column: String) throws(Refusal) -> String {
        guard let text = try text(column) else {
            throw Refusal(column: column, reason: "is missing")
        }
        return text
    }

    func time(_ column: String) throws(Refusal) -> LocalTime.Reading? {
        guard let value = value(column) else { return nil }
        guard let reading = times.read(value) else {
            throw Refusal(column: column, reason: "is no time: \(value.text.prefix(60))")
        }
        return reading
    }

    func requiredTime(_ column: String) throws(Refusal) -> LocalTime.Reading {
        guard let reading = try time(column) else {
            throw Refusal(column: column, reason: "is missing")
        }
        return reading
    }

    /// A count of something.
    func count(_ column: String) throws(Refusal) -> Int64? {
        guard let value = value(column) else { return nil }
        guard let count = value.int, count >= 0 else {
            throw Refusal(column: column, reason: "is no count: \(value.text.prefix(60))")
        }
        return count
    }

    func number(_ column: String) throws(Refusal) -> Double? {
        guard let value = value(column) else { return nil }
        guard let number = value.double, number.isFinite, number >= 0, number < 1e15 else {
            throw Refusal(column: column, reason: "is no amount: \(value.text.prefix(60))")
        }
        return number
    }

    /// Dollars, as nano-dollars; more than their count holds is no amount.
    func nanoUSD(_ column: String) throws(Refusal) -> Int64? {
        guard let value = value(column) else { return nil }
        guard let nano = value.double.flatMap(USD.nano) else {
            throw Refusal(column: column, reason: "is no amount: \(value.text.prefix(60))")
        }
        return nano
    }

    /// True, false, 1, 0, or neither yet.
    func flag(_ column: String) throws(Refusal) -> Bool? {
        guard let value = value(column) else { return nil }
        switch value.int {
        case 0: return false
        case 1: return true
        default: break
        }
        guard let flag = value.bool else {
            throw Refusal(
                column: column, reason: "is neither true nor false: \(value.text.prefix(60))")
        }
        return flag
    }

    /// JSON that a column holds as text, or that stands there itself; text that is none as text.
    func json(_ column: String) -> JSON? {
        guard let value = value(column) else { return nil }
        guard let text = value.string else { return value }
        guard !text.isEmpty else { return nil }
        return (try? JSON.parse(text.utf8, nestingMax: RowReader.nestingMax)) ?? value
    }

    static let nestingMax = Limits.lineNestingMax - 8
}

/// Members of a native line, in order; those without a value are left out.
struct LineBuilder {
    private(set) var members: [JSON.Member] = []

    var json: JSON { .object(members) }

    mutating func set(_ name: String, _ value: JSON?) {
        if let value { members.append(JSON.Member(name, value)) }
    }
    mutating func set(_ name: String, _ text: String?) { set(name, text.map(JSON.string)) }
    mutating func set(_ name: String, _ count: Int64?) { set(name, count.map(JSON.int)) }
    mutating func set(_ name: String, _ number: Double?) { set(name, number.map(JSON.number)) }

    /// The moment, and the clock's own text where the moment had to be worked out from it.
    mutating func set(_ name: String, _ reading: LocalTime.Reading, asWritten value: JSON?) {
        set(name, reading.time.rfc3339Microseconds)
        if reading.wasLocal { set("time_text", value) }
    }
}

/// What makes a row the same row wherever and whenever it is read again. The nth of several equal
/// rows is the nth each time.
struct RowIdentities {
    private var seen: [UInt64: Int] = [:]

    /// - Parameter parts: what no later change of the row touches.
    mutating func next(_ parts: [String]) -> String {
        var hash = FNV1a()
        for part in parts {
            Array(part.utf8).withUnsafeBytes { hash.combine($0) }
            hash.combine(0xff)
        }
        let number = seen[hash.value, default: 0]
        seen[hash.value] = number + 1
        let digits = String(hash.value, radix: 16)
        return "import-" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
            + (number == 0 ? "" : "-\(number)")
    }
}
