import Glibc

/// Diagnostics of programs; libraries return errors instead.
public enum StandardError {
    public static func write(_ text: String) {
        let bytes = Array(text.utf8)
        // Nobody is left to tell when stderr itself fails.
        _ = Glibc.write(2, bytes, bytes.count)
    }
}
