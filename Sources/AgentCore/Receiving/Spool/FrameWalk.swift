import QuipuModel

/// Goes from frame to frame through bytes that begin with one.
struct FrameWalk {
    /// Where the next frame begins.
    private(set) var offset = 0
    /// What the next frame's header says of its size; nil when there is no header.
    private(set) var nextFrameBytes: Int?

    /// Hands over the header of each frame that is whole, up to the first that is not or is no
    /// frame.
    mutating func go(_ bytes: UnsafeRawBufferPointer, _ body: (SpoolFrame.Header) -> Void) {
        while true {
            nextFrameBytes = nil
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            guard let header = SpoolFrame.read(rest) else { return }
            let size = SpoolFrame.frameBytes(payloadBytes: header.payloadBytes)
            nextFrameBytes = size
            guard size <= rest.count else { return }
            body(header)
            offset += size
        }
    }
}
