package import QuipuModel

/// Datagrams that were received and refused, by cause, as counts.
package struct Losses: Sendable {
    private(set) var datagrams = InlineArray<4, UInt64>(repeating: 0)
    private(set) var lines = InlineArray<4, UInt64>(repeating: 0)

    package init() {}

    package mutating func add(_ cause: LossCause, datagrams: UInt64 = 1, lines: UInt64) {
        self.datagrams[Int(cause.rawValue)] &+= datagrams
        self.lines[Int(cause.rawValue)] &+= lines
    }

    mutating func add(_ other: Losses) {
        for cause in LossCause.allCases {
            let index = Int(cause.rawValue)
            add(cause, datagrams: other.datagrams[index], lines: other.lines[index])
        }
    }

    /// Takes away what a report has told.
    mutating func subtract(_ report: LossReport) {
        datagrams[Int(report.cause.rawValue)] &-= report.datagrams
        lines[Int(report.cause.rawValue)] &-= report.lines
    }

    var isEmpty: Bool {
        for index in datagrams.indices where datagrams[index] > 0 || lines[index] > 0 {
            return false
        }
        return true
    }

    /// One for each cause that has something to tell.
    var reports: [LossReport] {
        LossCause.allCases.compactMap { cause in
            let index = Int(cause.rawValue)
            guard datagrams[index] > 0 || lines[index] > 0 else { return nil }
            return LossReport(cause: cause, datagrams: datagrams[index], lines: lines[index])
        }
    }

    /// Lines as the decoder counts them: what stands between newlines; a last newline ends a line
    /// and begins none.
    static func lines(in payload: UnsafeRawBufferPointer) -> UInt64 {
        var newlines: UInt64 = 0
        for byte in payload where byte == 0x0a { newlines += 1 }
        return payload.last == 0x0a ? newlines : newlines + 1
    }
}
