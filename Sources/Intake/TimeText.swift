internal import QuipuModel

/// Times as log writers write them. Naive times are those of a zone.
enum TimeText {
    /// Whether the text is UTC with at most milliseconds, as answers have it, and so says no more
    /// than its time.
    static func isPlain(_ text: Bytes) -> Bool {
        (text.count == 20 || text.count == 24) && text[10] == 0x54 && text[text.count - 1] == 0x5a
    }

    /// RFC 3339 and its usual variations (a space for the `T`, no zone, no seconds, `+0200`), or a
    /// number in quotes. Nil when the text is none of these.
    static func parse(_ text: Bytes, zone rules: ZoneRules = .utc) -> Timestamp? {
        var cursor = Cursor(text: text.trimmed)
        guard let date = cursor.date() else { return number(text: text) }
        var seconds = date * 86_400
        var microseconds: Int64 = 0
        var isNaive = true
        if !cursor.isAtEnd {
            guard cursor.take(0x54) || cursor.take(0x74) || cursor.take(0x20),
                let clock = cursor.clock()
            else { return nil }
            seconds += clock.seconds
            microseconds = clock.microseconds
            _ = cursor.take(0x20)
            isNaive = cursor.isAtEnd
            guard let zone = cursor.zoneSeconds() else { return nil }
            seconds -= zone
        }
        if isNaive { seconds -= rules.offset(ofLocalSeconds: seconds) }
        return Timestamp(microseconds: seconds * 1_000_000 + microseconds)
    }

    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size. Nil for
    /// numbers that mean no time between March 1973 and the year 5138.
    static func parse(_ number: Double) -> Timestamp? {
        let factor: Double
        switch number {
        case 1e8..<1e11: factor = 1e6
        case 1e11..<1e14: factor = 1e3
        case 1e14..<1e17: factor = 1
        case 1e17..<1e20: factor = 1e-3
        default: return nil
        }
        return Timestamp(microseconds: Int64((number * factor).rounded()))
    }

    private static func number(text: Bytes) -> Timestamp? {
        let value = NumberText.parse(text.trimmed)
        return value.isFinite ? parse(value) : nil
    }

    /// Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant,
    /// "chrono-compatible low-level date algorithms").
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

private struct Cursor {
    let text: Bytes
    var position = 0

    init(text: Bytes) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard text.count - position >= count else { return nil }
        var value: Int64 = 0
        for _ in 0..<count {
            guard text[position].isDigit else { return nil }
            value = value * 10 + Int64(text[position] - 0x30)
            position += 1
        }
        return value
    }

    /// Days since 1970.
    mutating func date() -> Int64? {
        guard let year = digits(4), take(0x2d), let month = digits(2), take(0x2d),
            let day = digits(2), (1...12).contains(month), day >= 1
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard day <= lengths[Int(month) - 1] else { return nil }
        return TimeText.days(year: year, month: month, day: day)
    }

    mutating func clock() -> (seconds: Int64, microseconds: Int64)? {
        guard let hour = digits(2), hour < 24, take(0x3a), let minute = digits(2), minute < 60
        else { return nil }
        var seconds = hour * 3_600 + minute * 60
        guard take(0x3a) else { return (seconds, 0) }
        // 60 is a leap second.
        guard let second = digits(2), second <= 60 else { return nil }
        seconds += second
        guard take(0x2e) || take(0x2c) else { return (seconds, 0) }
        var microseconds: Int64 = 0
        var scale: Int64 = 100_000
        let start = position
        while position < text.count, text[position].isDigit {
            microseconds += Int64(text[position] - 0x30) * scale
            scale /= 10
            position += 1
        }
        return position == start ? nil : (seconds, microseconds)
    }

    /// The offset from UTC, up to the end of the text.
    mutating func zoneSeconds() -> Int64? {
        if isAtEnd { return 0 }
        if take(0x5a) || take(0x7a) { return isAtEnd ? 0 : nil }
        let isWest = take(0x2d)
        guard isWest || take(0x2b), let hours = digits(2), hours < 24 else { return nil }
        var minutes: Int64 = 0
        if !isAtEnd {
            _ = take(0x3a)
            guard let found = digits(2), found < 60, isAtEnd else { return nil }
            minutes = found
        }
        let offset = hours * 3_600 + minutes * 60
        return isWest ? -offset : offset
    }
}
