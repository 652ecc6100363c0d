import CZstd
import GRDBSQLite

/// A document's JSON text as it is stored: compressed where that makes it shorter.
enum DocumentBody {
    private static let compressionLevel: Int32 = 3

    static func pack(_ text: [UInt8]) -> [UInt8] {
        var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(text.count))
        let count = packed.withUnsafeMutableBytes { into in
            text.withUnsafeBytes {
                ZSTD_compress(
                    into.baseAddress, into.count, $0.baseAddress, $0.count, compressionLevel)
            }
        }
        guard ZSTD_isError(count) == 0, count < text.count else { return text }
        return [UInt8](packed[..<count])
    }

    /// - Parameter sizeBytes: how long the text is.
    static func unpack(_ stored: UnsafeRawBufferPointer, sizeBytes: Int64) throws -> [UInt8] {
        let size = Int(clamping: sizeBytes)
        if stored.count == size { return [UInt8](stored) }
        // No document that was put is larger, whatever a damaged row says.
        guard (0...1 << 30).contains(size) else { throw damaged }
        var text = [UInt8](repeating: 0, count: size)
        let count = text.withUnsafeMutableBytes {
            ZSTD_decompress($0.baseAddress, $0.count, stored.baseAddress, stored.count)
        }
        guard ZSTD_isError(count) == 0, count == size else { throw damaged }
        return text
    }

    private static let damaged = SQLiteFailure(
        code: SQLITE_CORRUPT, message: "a document's body is damaged")
}
