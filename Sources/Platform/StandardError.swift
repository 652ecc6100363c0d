import Glibc

/// Diagnostics of programs; libraries return errors instead.
public enum StandardError {
    public static func write(_ text: String) {
        let bytes = Array(text.utf8)
        // Nobody is left to tell when stderr itself fails.
        _ = Glibc.write(2, bytes, bytes.count)
    }

    /// The text as one line that a terminal shows and does not obey: names of files are in it, and
    /// whoever reads a log trusts it.
    public static func line(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a, 0x0d: line.append(" ")
            case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x061c, 0x2028...0x202e, 0x2066...0x2069:
                line.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: line.append(scalar)
            }
        }
        return String(line)
    }
}
