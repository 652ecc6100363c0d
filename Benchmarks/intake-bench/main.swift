// How fast StatsD lines are read: `intake-bench FILE parse|decode PASSES`, one line of JSON.
//
// The lines of the file are read again and again from memory. `parse` takes each line apart by the
// grammar and no more. `decode` does all that the daemon does before it stores: finds datagrams and
// lines in batches as the agent ships them, and adds up by series and span, with sketches.

import Intake
import Platform
import QuipuModel

let arguments = CommandLine.arguments
guard arguments.count == 4, ["parse", "decode"].contains(arguments[2]),
    let passes = Int(arguments[3])
else {
    print("intake-bench FILE parse|decode PASSES")
    throw SystemError(code: 22, operation: "arguments")
}
let text = try readAll(arguments[1])
let isParse = arguments[2] == "parse"
let lines = lineRanges(text)
let batches = isParse ? [] : framed(text, lines)

let start = ContinuousClock.now
let good = isParse ? parse() : decode()
let took = start.duration(to: .now).components
let seconds = Double(took.seconds) + Double(took.attoseconds) / 1e18
print("{\"lines\":\(lines.count * passes),\"good\":\(good),\"seconds\":\(seconds)}")

func parse() -> Int {
    var parser = StatsDParser()
    var good = 0
    text.withUnsafeBytes { text in
        for _ in 0..<passes {
            for line in lines {
                if parser.parse(UnsafeRawBufferPointer(rebasing: text[line])) == nil { good += 1 }
            }
        }
    }
    return good
}

func decode() -> Int {
    let decoder = Decoder()
    let context = SourceContext(kind: .datagrams, path: "")
    var good: UInt64 = 0
    for _ in 0..<passes {
        for batch in batches {
            let decoded = batch.withUnsafeBytes {
                decoder.decode($0, at: 0, context: context, arrival: .seconds(0), finished: true)
            }
            good += decoded.tally.stored
        }
    }
    return Int(good)
}

func readAll(_ path: String) throws -> [UInt8] {
    let file = try OwnedDescriptor(readingFile: path)
    var bytes: [UInt8] = []
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { chunk.deallocate() }
    while true {
        let count = try file.read(at: UInt64(bytes.count), into: chunk)
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<count])
    }
}

/// Each line without its newline.
func lineRanges(_ text: [UInt8]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start = 0
    for (index, byte) in text.enumerated() where byte == 0x0a {
        ranges.append(start..<index)
        start = index + 1
    }
    return ranges
}

/// Batches of frames, each of a datagram of at most 8 KiB.
func framed(_ text: [UInt8], _ lines: [Range<Int>]) -> [[UInt8]] {
    var batches: [[UInt8]] = [[]]
    var start = 0
    for (index, line) in lines.enumerated() {
        let isLast = index + 1 == lines.count
        if !isLast, lines[index + 1].upperBound - start < 8 << 10 { continue }
        if batches[batches.count - 1].count > Limits.batchBytes - (16 << 10) { batches.append([]) }
        append(text[start...line.upperBound], to: &batches[batches.count - 1])
        start = line.upperBound + 1
    }
    return batches
}

func append(_ payload: ArraySlice<UInt8>, to batch: inout [UInt8]) {
    let begin = batch.count
    batch.append(
        contentsOf: repeatElement(0, count: SpoolFrame.frameBytes(payloadBytes: payload.count)))
    let header = SpoolFrame.Header(
        kind: .datagram, dialect: .statsd, payloadBytes: payload.count,
        arrival: .seconds(1_800_000_000), sequence: 0)
    batch.withUnsafeMutableBytes { bytes in
        let frame = UnsafeMutableRawBufferPointer(rebasing: bytes[begin...])
        SpoolFrame.write(header, to: frame)
        let room = UnsafeMutableRawBufferPointer(rebasing: frame[SpoolFrame.headerBytes...])
        room.copyBytes(from: payload)
    }
}
