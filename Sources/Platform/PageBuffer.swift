import Glibc

/// Memory straight from the kernel: pages that were never touched cost nothing, and `giveBack`
/// returns the others, which `malloc` would keep.
public struct PageBuffer: ~Copyable {
    public let bytes: UnsafeMutableRawBufferPointer

    /// - Parameter count: Bytes; rounded up to whole pages by the kernel.
    public init(count: Int) throws(SystemError) {
        let protection = PROT_READ | PROT_WRITE
        let found = mmap(nil, count, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let found, found != MAP_FAILED else { throw .current("mmap") }
        bytes = UnsafeMutableRawBufferPointer(start: found, count: count)
    }

    /// Returns the pages; the content is zero afterwards.
    public func giveBack() { madvise(bytes.baseAddress, bytes.count, MADV_DONTNEED) }

    deinit { munmap(bytes.baseAddress, bytes.count) }
}
