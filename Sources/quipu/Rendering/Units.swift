import QuipuModel
import QuipuProtocol

/// Figures as a person reads them.
enum Units {
    static let absent = "-"

    /// `412 ms`, `5.12 s`, `2 min 3 s`, `1 h 5 min`, `3 d 4 h`.
    static func duration(ms: Double) -> String {
        guard ms.isFinite else { return absent }
        if ms < 0 { return "-" + duration(ms: -ms) }
        if ms < 1_000 { return "\(significant(ms)) ms" }
        if ms < 60_000 { return "\(significant(ms / 1_000)) s" }
        let seconds = Int64(min(ms / 1_000, 1e15))
        if seconds < 3_600 { return pair(seconds / 60, "min", seconds % 60, "s") }
        if seconds < 86_400 { return pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min") }
        return pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h")
    }

    private static func pair(
        _ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String
    ) -> String {
        let head = "\(grouped(large)) \(largeUnit)"
        return small == 0 ? head : "\(head) \(small) \(smallUnit)"
    }

    /// `512 B`, `3.2 GB`: powers of 1,000.
    static func bytes(_ count: Double) -> String {
        scaled(count, ["B", "kB", "MB", "GB", "TB", "PB"])
    }

    /// `12,345`, `1.23 M`, `0.0125`.
    static func number(_ value: Double) -> String {
        guard value.isFinite else { return absent }
        if abs(value) >= 1e6 { return scaled(value, ["", "k", "M", "G", "T", "P"]) }
        if let whole = Int64(exactly: value) { return grouped(whole) }
        return abs(value) < 1_000 ? significant(value) : grouped(Int64(value.rounded()))
    }

    static func percent(_ value: Double) -> String { "\(significant(value)) %" }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        var rest = value
        var index = 0
        while abs(rest) >= 999.5, index < units.count - 1 {
            rest /= 1_000
            index += 1
        }
        return units[index].isEmpty ? significant(rest) : "\(significant(rest)) \(units[index])"
    }

    /// Three digits that count: `412`, `41.2`, `4.12`, `0.412`, `0.00412`; none for trailing zeros.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return absent }
        let magnitude = abs(value)
        if magnitude >= 99.95 || magnitude == 0 { return grouped(Int64(clamping: value)) }
        var decimals = 1
        var bound = 9.995
        while magnitude < bound, decimals < 6 {
            decimals += 1
            bound /= 10
        }
        return decimal(value, decimals: decimals)
    }

    private static func decimal(_ value: Double, decimals: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((abs(value) * Double(scale)).rounded())
        var fraction = String(scaled % scale)
        fraction = String(repeating: "0", count: decimals - fraction.count) + fraction
        while fraction.last == "0" { fraction.removeLast() }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        let whole = "\(sign)\(scaled / scale)"
        return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }

    /// `1,234,567`
    static func grouped(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        var output = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { output.append(",") }
            output.append(digit)
        }
        return (value < 0 ? "-" : "") + output
    }

    /// `1 call`, `1,234 calls`
    static func grouped(_ count: Int64, _ noun: String) -> String {
        "\(grouped(count)) \(Plural.word(count, noun, noun + "s"))"
    }

    /// `5 min ago`, `just now`, `in 3 s`.
    static func ago(_ moment: Timestamp, now: Timestamp) -> String {
        let seconds = (now.microseconds - moment.microseconds) / 1_000_000
        if abs(seconds) < 1 { return "just now" }
        let span = coarse(seconds: abs(seconds))
        return seconds > 0 ? "\(span) ago" : "in \(span)"
    }

    private static func coarse(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3_600) h"
        default: "\(grouped(seconds / 86_400)) d"
        }
    }

    /// A figure by its name, which carries its unit.
    static func value(_ value: Double, named name: String) -> String {
        if name == "bytes" || name.hasSuffix("_bytes") { return bytes(value) }
        if name.hasSuffix("bytes_per_s") { return bytes(value) + "/s" }
        if name.hasSuffix("_per_s") { return number(value) + "/s" }
        if name.hasSuffix("_ms") { return duration(ms: value) }
        if name.hasSuffix("_s") || name.hasSuffix("_seconds") { return duration(ms: value * 1_000) }
        if name.hasSuffix("_percent") { return percent(value) }
        if name.hasSuffix("_usd") { return "$" + significant(value) }
        return number(value)
    }

    /// A time of a reply: of today without its date.
    static func clock(_ text: String?, now: Timestamp) -> String {
        guard let text, let moment = Timestamp(rfc3339: text) else { return text ?? absent }
        let full = moment.rfc3339
        let (date, time) = (full.prefix(10), full.dropFirst(11).dropLast())
        return date == now.rfc3339.prefix(10) ? String(time) : "\(date) \(time.prefix(8))"
    }

    static func ago(_ text: String?, now: Timestamp) -> String {
        guard let text, let moment = Timestamp(rfc3339: text) else { return text ?? absent }
        return ago(moment, now: now)
    }
}

extension Int64 {
    /// Towards zero, and the nearest that fits.
    fileprivate init(clamping value: Double) {
        let rounded = value.rounded()
        self = Int64(exactly: rounded) ?? (rounded < 0 ? .min : .max)
    }
}
