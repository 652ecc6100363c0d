extension PlainFiles {
    /// A small file's bytes; of a longer one the first `bytesMax`.
    public static func read(_ path: String, bytesMax: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        let outcome = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SystemError) in try read(path, at: 0, into: buffer) }
        }
        bytes.removeLast(bytesMax - (try outcome.get()))
        return bytes
    }
}
