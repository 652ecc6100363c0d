/// What of a key tells its source from all others for good.
public enum SourceKey {
    /// A file whose like is on another device at the same time, of equal inode and birth.
    public static let twinPrefix = "twin:"
    public static let filePrefix = "file:"
    private static let spoolPrefix = "spool:"
    /// What the daemon is told itself; no agent's.
    public static let daemonPrefix = "quipud:"

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
        return numbers(key, after: filePrefix)?.count == 3
            || numbers(key, after: spoolPrefix)?.count == 4
    }

    /// Of device, inode, generation and birth, from part `place` on.
    private static func withoutDevice(_ key: String, _ prefix: String, at place: Int) -> String {
        guard var parts = numbers(key, after: prefix), parts.count == place + 4 else { return key }
        parts.remove(at: place)
        return prefix + parts.joined(separator: "-")
    }

    /// Of a key that ends with a time of birth.
    private static func numbers(_ key: String, after prefix: String) -> [Substring]? {
        guard key.hasPrefix(prefix) else { return nil }
        let parts = key.dropFirst(prefix.count)
            .split(separator: "-", omittingEmptySubsequences: false)
        return parts.allSatisfy(isNumber) && parts.last != "0" ? parts : nil
    }

    private static func isNumber(_ part: Substring) -> Bool {
        !part.isEmpty && part.utf8.count <= 16
            && part.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
