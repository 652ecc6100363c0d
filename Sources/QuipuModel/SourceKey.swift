/// What of a key tells its source from all others for good.
public enum SourceKey {
    /// A file whose like is on another device at the same time, of equal inode and birth.
    public static let twinPrefix = "twin:"
    public static let filePrefix = "file:"
    private static let spoolPrefix = "spool:"

    /// The key that a source is stored under, of the one that its agent names.
    ///
    /// A disk may have another number after each start of the machine, so that the number is left
    /// out where inode and time of birth say which file it is. Agents go on naming it: earlier
    /// daemons have it in their keys.
    public static func lasting(_ key: String) -> String {
        if key.hasPrefix(twinPrefix) { return filePrefix + key.dropFirst(twinPrefix.count) }
        if key.hasPrefix(filePrefix) { return withoutDevice(key, filePrefix, at: 0) }
        // Before the identity stands the segment's number.
        if key.hasPrefix(spoolPrefix) { return withoutDevice(key, spoolPrefix, at: 1) }
        return key
    }

    /// Whether a stored key says all by itself which bytes it is of: no other machine's, unless its
    /// disk was copied from here.
    public static func isOfOneFile(_ key: String) -> Bool {
        if key.hasPrefix("import:") { return true }
        for (prefix, count) in [(filePrefix, 3), (spoolPrefix, 4)] where key.hasPrefix(prefix) {
            let parts = key.dropFirst(prefix.count)
                .split(separator: "-", omittingEmptySubsequences: false)
            return parts.count == count && parts.allSatisfy(isNumber) && parts.last != "0"
        }
        return false
    }

    /// Of device, inode, generation and birth, from part `place` on.
    private static func withoutDevice(_ key: String, _ prefix: String, at place: Int) -> String {
        var parts = key.dropFirst(prefix.count)
            .split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == place + 4, parts.allSatisfy(isNumber), parts.last != "0" else {
            return key
        }
        parts.remove(at: place)
        return prefix + parts.joined(separator: "-")
    }

    private static func isNumber(_ part: Substring) -> Bool {
        !part.isEmpty && part.utf8.count <= 16
            && part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
