/// How much a format of SQLite's `printf` asks to be filled: the sum of its widths and precisions.
///
/// Reads formats as SQLite does, and where these differ in what SQLite takes for an error, counts
/// more.
struct SQLFormatCost {
    private static let flags = Set("-+ #!0,l.".utf8)
    private static let conversions = Set("diuxXopcsfeEgGzqQwr".utf8)
    private static let withoutArgument = Set("%n".utf8)

    /// The magnitudes of the arguments as whole numbers.
    private var arguments: ArraySlice<UInt64>
    private var sum: UInt64 = 0

    init(_ arguments: [UInt64]) { self.arguments = arguments[...] }

    private mutating func add(_ width: UInt64) {
        let (sum, isOver) = self.sum.addingReportingOverflow(width)
        self.sum = isOver ? .max : sum
    }

    /// nil for a conversion that is not known, whose arguments nobody could count.
    mutating func widths(of format: some Sequence<UInt8>) -> UInt64? {
        var isConversion = false
        var number: UInt64 = 0
        // SQLite ends a format at its first 0.
        for byte in format.prefix(while: { $0 != 0 }) {
            guard isConversion else {
                isConversion = byte == UInt8(ascii: "%")
                continue
            }
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                // Kept from overflowing; it is too large long before.
                number = min(number, .max >> 8) * 10 + UInt64(byte - UInt8(ascii: "0"))
                continue
            }
            add(number)
            number = 0
            if byte == UInt8(ascii: "*") {
                add(arguments.popFirst() ?? 0)
            } else if Self.conversions.contains(byte) {
                _ = arguments.popFirst()
                isConversion = false
            } else if Self.withoutArgument.contains(byte) {
                isConversion = false
            } else if !Self.flags.contains(byte) {
                return nil
            }
        }
        return sum
    }
}
