import QuipuModel

/// Cuts the bytes of one stream connection into payloads of whole lines.
///
/// A client either ends each line with a newline, or puts 4 bytes of little-endian length before
/// each packet of lines. The first four bytes tell which: a packet of at most
/// `Limits.datagramBytesMax` has a zero there, text never does.
///
/// A line may be longer than a packet, as long as the caller has memory to hold its beginning.
struct StreamFraming {
    private enum Kind {
        case unknown
        case lines
        case packets
    }

    /// What came out of the bytes of one read.
    struct Cut: Equatable {
        /// Whole lines now stand at the beginning of the buffer, joined by newlines; the last has
        /// none.
        var payloadBytes = 0
        /// Lines or packets that were too long, or cut off by the connection's end.
        var tooLong: UInt64 = 0
        var cutOff: UInt64 = 0
    }

    /// How a connection ended.
    enum End {
        /// The client closed it: a last line without its newline is a line.
        case closed
        /// It broke: what is not whole is lost.
        case broken
    }

    private static let packetBytesMax = Limits.datagramBytesMax
    private static let prefixBytes = 4

    /// How long a line may be now: `Limits.streamLineBytesMax`, or a packet's bound while others
    /// hold much. A longer one that is under way is given up.
    var lineBytesMax = Limits.streamLineBytesMax

    private var kind = Kind.unknown
    /// The beginning of a line or packet whose end has not come.
    private var rest: [UInt8] = []
    /// Bytes of a packet that is too long, still to come.
    private var packetBytesToSkip = 0
    /// In a line that is too long.
    private var isSkippingLine = false

    init() {}

    /// The client is in the middle of a line or packet.
    var isHalfSent: Bool { !rest.isEmpty || packetBytesToSkip > 0 || isSkippingLine }

    /// Bytes held until the rest of them comes.
    var heldBytes: Int { rest.count }

    /// How much may be in the buffer for one `cut`, so that at most one payload comes out: the
    /// longest line and its newline, or the longest packet and its prefix.
    var capacity: Int {
        kind == .packets
            ? Self.packetBytesMax + Self.prefixBytes : max(lineBytesMax, rest.count) + 1
    }

    /// Puts what is left from the last read at the beginning of the buffer; how many bytes, always
    /// less than `capacity`. New bytes go behind.
    func begin(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        buffer.copyBytes(from: rest)
        return rest.count
    }

    /// Cuts the first `count` bytes of `buffer`, at most `capacity`: what `begin` put there and
    /// what was read behind it.
    mutating func cut(_ buffer: UnsafeMutableRawBufferPointer, count: Int) -> Cut {
        // What is held of a line has no newline, and need not be searched again.
        var searched = rest.count
        rest = []
        var cut = Cut()
        if kind == .unknown {
            searched = 0
            guard count >= Self.prefixBytes else {
                keep(buffer, 0..<count)
                return cut
            }
            kind = Self.packetBytes(buffer, at: 0) <= Self.packetBytesMax ? .packets : .lines
        }
        switch kind {
        case .packets: cutPackets(buffer, count, &cut)
        case .lines, .unknown: cutLines(buffer, searched: searched, count, &cut)
        }
        return cut
    }

    /// What is left when nothing more comes, put at the beginning of the buffer.
    mutating func finish(_ buffer: UnsafeMutableRawBufferPointer, _ end: End) -> Cut {
        defer { rest = [] }
        var cut = Cut()
        if kind != .packets, end == .closed {
            cut.payloadBytes = begin(buffer)
        } else if !rest.isEmpty {
            cut.cutOff = 1
        }
        return cut
    }

    private mutating func keep(_ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>) {
        rest = Array(UnsafeRawBufferPointer(rebasing: buffer[range]))
    }

    private static func packetBytes(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int
    {
        Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    // MARK: Lines

    private mutating func cutLines(
        _ buffer: UnsafeMutableRawBufferPointer, searched: Int, _ count: Int, _ cut: inout Cut
    ) {
        var start = 0
        while true {
            if isSkippingLine {
                guard let newline = buffer[start..<count].firstIndex(of: 0x0a) else { return }
                start = newline + 1
                isSkippingLine = false
            }
            if let newline = Self.lastNewline(buffer, max(start, searched)..<count) {
                if start > 0 {
                    let lines = UnsafeRawBufferPointer(rebasing: buffer[start..<newline])
                    buffer.copyMemory(from: lines)
                }
                cut.payloadBytes = newline - start
                keep(buffer, newline + 1..<count)
                return
            }
            guard count - start > lineBytesMax else {
                keep(buffer, start..<count)
                return
            }
            cut.tooLong += 1
            isSkippingLine = true
        }
    }

    private static func lastNewline(
        _ buffer: UnsafeMutableRawBufferPointer, _ range: Range<Int>
    ) -> Int? {
        var index = range.upperBound
        while index > range.lowerBound {
            index -= 1
            if buffer[index] == 0x0a { return index }
        }
        return nil
    }

    // MARK: Packets

    private mutating func cutPackets(
        _ buffer: UnsafeMutableRawBufferPointer, _ count: Int, _ cut: inout Cut
    ) {
        var start = 0
        while true {
            if packetBytesToSkip > 0 {
                let skipped = min(packetBytesToSkip, count - start)
                packetBytesToSkip -= skipped
                start += skipped
            }
            guard count - start >= Self.prefixBytes else { break }
            let bytes = Self.packetBytes(buffer, at: start)
            if bytes > Self.packetBytesMax {
                cut.tooLong += 1
                packetBytesToSkip = bytes
                start += Self.prefixBytes
                continue
            }
            let body = start + Self.prefixBytes
            guard count - body >= bytes else { break }
            join(UnsafeRawBufferPointer(rebasing: buffer[body..<body + bytes]), buffer, &cut)
            start = body + bytes
        }
        keep(buffer, start..<count)
    }

    /// Appends a packet's lines to the payload, which always ends before the packet begins: its
    /// prefix makes room for the newline.
    private func join(
        _ packet: UnsafeRawBufferPointer, _ buffer: UnsafeMutableRawBufferPointer, _ cut: inout Cut
    ) {
        let lines = packet.last == 0x0a ? packet.dropLast() : packet[...]
        guard !lines.isEmpty else { return }
        if cut.payloadBytes > 0 {
            buffer[cut.payloadBytes] = 0x0a
            cut.payloadBytes += 1
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[cut.payloadBytes...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: lines))
        cut.payloadBytes += lines.count
    }
}
