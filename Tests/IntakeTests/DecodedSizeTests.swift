import QuipuModel
import Testing

@testable import Intake

/// What a batch's texts take in memory.
@Suite struct DecodedSizeTests {
    private static func row(id: String, calls: Int) -> String {
        let block = #"{"type":"tool_use"}"#
        return #"{"type":"assistant","uuid":"u","message":{"id":"\#(id)","content":["#
            + Array(repeating: block, count: calls).joined(separator: ",") + "]}}\n"
    }

    @Test func callsOfARowShareItsID() throws {
        let line = Self.row(id: String(repeating: "i", count: 32 << 10), calls: 1_600)
        let batch = decode(line)
        // A failed expectation would write out the batch.
        let (events, closes) = (batch.events.count, batch.closes)
        #expect(events == 1_600 && closes)
        let bytes = batch.bytes.count + batch.payloads.count
        let lineBytes = line.utf8.count
        #expect(bytes <= 2 * lineBytes)
        // Cut, and it says so.
        let last = batch.string(batch.events[1_599].attributes)
        let attributes = try #require(last)
        #expect(attributes.hasSuffix(#"i","message_id_bytes":32770}"#))
        #expect(attributes.utf8.count < 2 * Limits.attributeBytesMax)
    }

    @Test func aLineTooManyCostsItselfOnly() {
        var options = DecoderOptions()
        options.textBytesMax = 4 << 10
        let small = #"{"event":"e","session":"s","password":"x","n":1}"# + "\n"
        let large = #"{"event":"e","session":"s","x":"\#(String(repeating: "x", count: 5_000))"}"#
        let task =
            #"{"event":"task","task":"t","result":"\#(String(repeating: "y", count: 5_000))"}"#
        let lines = small + large + "\n" + small + task + "\n" + small
        let batch = decode(Array(lines.utf8), decoder: Decoder(options: options))
        #expect(batch.closes && batch.tally.received == 5)
        #expect(batch.tally.rejected == [.lineTooLong: 2])
        #expect(batch.rejects.map(\.reason) == [.lineTooLong, .lineTooLong])
        #expect(batch.taskChanges.isEmpty && batch.redacted == 3)
        #expect(batch.events.map { batch.string($0.session) } == ["s", "s", "s"])
        #expect(batch.events.map { batch.string($0.kind) } == ["e", "e", "e"])
        #expect(batch.bytes.count <= 4 << 10 && batch.payloads.isEmpty)
    }
}
