import Intake
import QuipuModel
import Testing

/// What lines say of those who sent them: their origin, and what their client counted.
@Suite struct SenderTests {
    private func decoded(_ payload: String, keepsOrigin: Bool) -> DecodedBatch {
        decode(
            frame(Array(payload.utf8)), path: "", kind: .datagrams,
            decoder: Decoder(options: DecoderOptions(keepsOrigin: keepsOrigin)))
    }

    private static let origins: [(line: String, tags: String?)] = [
        ("a:1|c", nil),
        ("a:1|c|c:ci-12", "container_id:ci-12"),
        ("a:1|c|#z:1|c:ci-12", "container_id:ci-12,z:1"),
        (
            "a:1|c|@1|#b:2|c:ci-1|e:it-false,cn-web,pu-9|card:low",
            "b:2,cardinality:low,container_id:ci-1,external_data:it-false_cn-web_pu-9"
        ),
        ("a:1|c|card:|e:", nil),
    ]

    @Test(arguments: origins)
    func originBecomesTagsOnlyWhereConfigured(line: String, tags: String?) throws {
        let kept = decoded(line, keepsOrigin: true)
        #expect(kept.series.map { kept.string($0.tags) } == [tags])
        let plain = try #require(tags?.split(separator: ",").filter { $0.utf8.count < 5 } ?? [])
        let left = decoded(line, keepsOrigin: false)
        #expect(
            left.series.map { left.string($0.tags) } == [plain.first.map(String.init)])
    }

    @Test func aLongOriginIsCutAndCostsNoLine() {
        let long = String(repeating: "é", count: 300)
        let batch = decoded("a:1|c|e:\(long)", keepsOrigin: true)
        #expect(batch.tally.stored == 1)
        let tags = batch.series.first.flatMap { batch.string($0.tags) } ?? ""
        #expect(tags.hasPrefix("external_data:é") && tags.hasSuffix("é"))
        #expect((199...200).contains(tags.utf8.count))
    }

    @Test func originOfEventsAndChecks() {
        let lines = "_e{1,1}:a|b|#x:y|c:ci-1\n_sc|db|0|#x:y|m:fine|c:ci-1|card:none"
        let kept = decoded(lines, keepsOrigin: true)
        #expect(
            kept.events.map { kept.string($0.attributes) } == [
                #"{"text":"b","tags":{"x":"y","container_id":"ci-1"}}"#,
                #"{"check_status":0,"message":"fine","#
                    + #""tags":{"x":"y","container_id":"ci-1","cardinality":"none"}}"#,
            ])
        let left = decoded(lines, keepsOrigin: false)
        #expect(
            left.events.map { left.string($0.attributes) } == [
                #"{"text":"b","tags":{"x":"y"}}"#,
                #"{"check_status":0,"message":"fine","tags":{"x":"y"}}"#,
            ])
    }

    @Test func theSameOriginIsTheSameSeries() {
        let line = "a:1|c|#b:2|c:ci-1|card:low\n"
        let batch = decoded(
            line + line + "a:1|c|#b:2|card:low|c:ci-1\na:1|c|#b:2|c:ci-2", keepsOrigin: true)
        #expect(batch.series.count == 2)
        #expect(batch.rollups.map(\.rollup.count) == [3, 1])
    }

    @Test func clientsOwnCountersAreKeptApart() {
        let tags = "|c|#client:py,client_version:0.53.0,client_transport:uds"
        let names = [
            "metrics:7", "events:2", "service_checks:1", "bytes_sent:700", "bytes_dropped:30",
            "bytes_dropped_queue:30", "packets_sent:9", "packets_dropped:3",
            "packets_dropped_writer:3",
        ]
        let lines = names.map { "datadog.dogstatsd.client.\($0)\(tags)" }
        let batch = decodeDatagrams([
            lines.joined(separator: "\n"), "app.hits:1|c",
            "datadog.dogstatsd.client.metrics:5\(tags)", "datadog.dogstatsd.client.metrics:9|g",
            "quipu.senders.lines_dropped:4|c", "datadog.dogstatsd.client.:1|c",
        ])
        #expect(batch.tally.rejected.isEmpty && batch.closes)
        var expected = SenderFigures()
        expected.metrics = 12
        expected.events = 2
        expected.serviceChecks = 1
        expected.bytesSent = 700
        expected.bytesDropped = 30
        expected.packetsSent = 9
        expected.packetsDropped = 3
        expected.linesDropped = 4
        #expect(batch.senders == expected)
        let series = Set(batch.series.compactMap { batch.string($0.name) })
        #expect(series.contains("app.hits") && series.contains("quipu.senders.packets_sent"))
        #expect(series.filter { $0.hasPrefix("datadog.") } == ["datadog.dogstatsd.client."])
        #expect(batch.rollups("quipu.senders.bytes_dropped_queue", tags: canonical).count == 1)
    }

    private let canonical = "client:py,client_transport:uds,client_version:0.53.0"

    @Test func countsBeyondReasonArePassedOver() {
        let batch = decodeDatagram("quipu.senders.metrics:1e200|c\nquipu.senders.events:3|c")
        #expect(batch.tally.stored == 2)
        #expect(batch.senders.metrics == 0 && batch.senders.events == 3)
    }
}
