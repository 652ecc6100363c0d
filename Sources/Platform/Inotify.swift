import CPlatform
import Glibc

/// What happens in directories, as the kernel tells it.
public final class Inotify: Sendable {
    public struct Change: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let created = Change(rawValue: UInt32(IN_CREATE))
        public static let modified = Change(rawValue: UInt32(IN_MODIFY))
        public static let attributes = Change(rawValue: UInt32(IN_ATTRIB))
        public static let movedAway = Change(rawValue: UInt32(IN_MOVED_FROM))
        public static let movedHere = Change(rawValue: UInt32(IN_MOVED_TO))
        public static let deleted = Change(rawValue: UInt32(IN_DELETE))
        /// The watched directory itself went or was renamed.
        public static let directoryGone = Change(
            rawValue: UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
        public static let isDirectory = Change(rawValue: UInt32(IN_ISDIR))
        /// The kernel dropped events: look at everything.
        public static let overflow = Change(rawValue: UInt32(IN_Q_OVERFLOW))
        /// The watch is gone; its number may be given again.
        public static let watchEnded = Change(rawValue: UInt32(IN_IGNORED))
    }

    public struct Event: Sendable, Equatable {
        /// What `watch` gave; -1 for an overflow.
        public var watch: Int32
        public var change: Change
        /// The same for the two halves of one rename; else 0.
        public var cookie: UInt32
        /// The entry in the watched directory; nil when it is about the directory itself.
        public var name: String?

        public init(watch: Int32, change: Change, cookie: UInt32, name: String?) {
            self.watch = watch
            self.change = change
            self.cookie = cookie
            self.name = name
        }
    }

    private let descriptor: OwnedDescriptor
    public var raw: Int32 { descriptor.raw }

    public init() throws(SystemError) {
        let raw = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard raw >= 0 else { throw .current("inotify_init1") }
        descriptor = OwnedDescriptor(owning: raw)
    }

    /// Watches a directory; gives the same number again for one that is watched already.
    public func watch(directory path: String, _ changes: Change) throws(SystemError) -> Int32 {
        let watch = inotify_add_watch(raw, path, changes.rawValue | UInt32(IN_ONLYDIR))
        guard watch >= 0 else { throw .current("inotify_add_watch", path: path) }
        return watch
    }

    public func unwatch(_ watch: Int32) { _ = inotify_rm_watch(raw, watch) }

    /// Hands over what waits, at most one buffer full; false when nothing did.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, _ body: (Event) -> Void
    ) throws(SystemError) -> Bool {
        let count = Glibc.read(raw, buffer.baseAddress, buffer.count)
        guard count > 0 else {
            if count == 0 || errno == EAGAIN || errno == EINTR { return false }
            throw .current("read inotify")
        }
        let headerBytes = MemoryLayout<inotify_event>.size
        var offset = 0
        while offset + headerBytes <= count {
            let header = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
            let name = buffer[(offset + headerBytes)...].prefix(Int(header.len))
                .prefix { $0 != 0 }
            body(
                Event(
                    watch: header.wd, change: Change(rawValue: header.mask), cookie: header.cookie,
                    name: name.isEmpty ? nil : String(validating: name, as: UTF8.self)))
            offset += headerBytes + Int(header.len)
        }
        return true
    }
}
