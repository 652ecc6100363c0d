import CPlatform
import Glibc

/// An eventfd: any thread wakes the one that polls it.
public final class WakeUp: Sendable {
    private let descriptor: OwnedDescriptor
    public var raw: Int32 { descriptor.raw }

    public init() throws(SystemError) {
        let raw = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard raw >= 0 else { throw .current("eventfd") }
        descriptor = OwnedDescriptor(owning: raw)
    }

    public func signal() {
        var one: UInt64 = 1
        // It can only fail when the counter is at its maximum, and then the reader is awake anyway.
        _ = write(raw, &one, 8)
    }

    /// Takes all signals so far.
    public func clear() {
        var count: UInt64 = 0
        _ = read(raw, &count, 8)
    }
}
