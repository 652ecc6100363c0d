public import Platform

/// The lines of a descriptor, such as standard input; a last one without its newline counts.
public struct LineReader: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let lineBytesMax: Int
    private var buffer = LineBuffer()
    private var isAtEnd = false

    public init(owning descriptor: consuming OwnedDescriptor, lineBytesMax: Int) {
        self.descriptor = descriptor
        self.lineBytesMax = lineBytesMax
    }

    /// Waits for the next line; nil at the end.
    public mutating func next() throws(ClientError) -> [UInt8]? {
        while true {
            if let line = buffer.next() { return line }
            if isAtEnd { return buffer.rest() }
            guard buffer.pendingCount <= lineBytesMax else {
                throw .tooLong(bytesMax: lineBytesMax)
            }
            do throws(SystemError) {
                isAtEnd = try buffer.read(from: descriptor) == 0
            } catch {
                throw .system(error)
            }
        }
    }
}

extension LineBuffer {
    private static let readBytes = 64 << 10

    /// Reads once; 0 at the end of the stream.
    mutating func read(from descriptor: borrowing OwnedDescriptor) throws(SystemError) -> Int {
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: LineBuffer.readBytes, alignment: 1)
        defer { chunk.deallocate() }
        let count = try descriptor.read(into: chunk)
        append(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
        return count
    }
}
