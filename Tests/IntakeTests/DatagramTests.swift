import Intake
import QuipuModel
import Sketches
import Testing

@Suite struct DatagramTests {
    @Test func eachFrameHasItsTimeAndDialect() {
        let early = Timestamp(microseconds: 1_000_000_000)
        let bytes =
            frame(Array(#"{"event":"e"}"#.utf8), at: early)
            + frame(Array("x:+1|g".utf8), dialect: .dogstatsd)
            + frame(Array("x:+1|g".utf8), dialect: .statsd)
        let batch = decode(bytes, path: "", kind: .datagrams)
        #expect(batch.events.map(\.time) == [early])
        #expect(batch.rollups.map(\.rollup.last) == [2])
        #expect(batch.tally.received == 3)
        #expect(batch.closes)
    }

    @Test func linesOfOneDatagram() {
        let batch = decodeDatagram(
            "a:1|c\n\n{\"event\":\"e\"}\r\nbad\n{\"metric\":\"m\",\"type\":\"counter\",\"value\":1}\n"
        )
        #expect(batch.tally.received == 5)
        #expect(batch.tally.stored == 2)
        #expect(batch.tally.blank == 1)
        #expect(batch.tally.rejected == [.valueMissing: 1])
        #expect(batch.events.map(\.lineOffset) == [24 + 7])
        #expect(batch.closes)
    }

    @Test(arguments: ["", "\n", "\n\n"])
    func emptyDatagrams(payload: String) {
        let batch = decodeDatagram(payload)
        #expect(batch.tally.received == UInt64(payload.utf8.count))
        #expect(batch.tally.blank == UInt64(payload.utf8.count))
    }

    private func loss(_ datagrams: UInt64, _ lines: UInt64) -> [UInt8] {
        let payload = [datagrams, lines].flatMap { value in
            stride(from: 0, to: 64, by: 8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
        }
        return frame(payload, kind: .loss)
    }

    @Test(arguments: LossCause.allCases)
    func everyCauseOfALossIsCounted(_ cause: LossCause) {
        let report = LossReport(cause: cause, datagrams: 2, lines: 9)
        var payload = [UInt8](repeating: 0, count: report.payloadBytes)
        payload.withUnsafeMutableBytes { report.write(to: $0) }
        let batch = decode(
            frame(payload, kind: .loss) + frame(Array("a:1|c".utf8)), path: "", kind: .datagrams)
        #expect(batch.tally.lost == [cause.word: 9])
        #expect(batch.tally.received == 10)
        #expect(batch.tally.rejected == [:])
        #expect(batch.closes)
    }

    @Test func lossReportsAreLines() {
        let batch = decode(
            frame(Array("a:1|c".utf8)) + loss(3, 70) + loss(1, 5) + loss(0, 0), path: "",
            kind: .datagrams)
        #expect(batch.tally.received == 76)
        #expect(batch.tally.lost == ["spool_full": 75])
        #expect(batch.closes)
    }

    @Test func whatFollowsACorruptFrameIsOneRejectedLine() {
        let good = frame(Array("a:1|c".utf8))
        let corrupt = [
            [UInt8](repeating: 0, count: 100) + good, loss(1, .max) + good,
            frame([1, 2, 3], kind: .loss) + good, [0],
            frame([0x61], at: Timestamp(microseconds: .min)) + good,
            frame([0x61], at: Timestamp(microseconds: .max)) + good, Array(good.dropLast(4)),
            Array(good.prefix(10)),
        ]
        for bad in corrupt {
            let batch = decode(good + bad, path: "", kind: .datagrams, at: 64)
            #expect(batch.tally.stored == 1)
            #expect(batch.tally.rejected == [.spoolCorrupt: 1])
            #expect(batch.rejects.map(\.lineOffset) == [64 + UInt64(good.count)])
            #expect(batch.closes)
        }
    }

    @Test func events() {
        let batch = decodeDatagram(
            "_e{5,12}:Title|text\\nsecond|d:1656581400|h:web1|k:deploy|p:low|s:ci|t:error|#env:x,a:1,a:2,bare"
        )
        #expect(
            batch.described == [
                #"kind=log name="Title" status=error time=1656581400000000 "#
                    + #"error="text\nsecond" attributes={"text":"text\nsecond","host":"web1","#
                    + #""aggregation_key":"deploy","priority":"low","source_type":"ci","#
                    + #""alert_type":"error","tags":{"env":"x","a":"2","bare":""}} payload=-"#
            ])
    }

    @Test func smallestEvents() {
        let batch = decodeDatagram("_e{1,0}:a|\n_e{2,3}:é|\"x\\|t:success|d:soon|zz\n_e{3,1}:a|b|c")
        #expect(
            batch.described == [
                #"kind=log name="a" arrival attributes=- payload=-"#,
                #"kind=log name="é" status=ok arrival attributes={"text":"\"x\\","alert_type":"success"} payload=-"#,
                #"kind=log name="a|b" arrival attributes={"text":"c"} payload=-"#,
            ])
    }

    @Test func serviceChecks() {
        let batch = decodeDatagram(
            "_sc|redis|0\n_sc|db.up|2|d:1656581400|h:db1|#env:dev|m:Timed out|c:abc|card:low")
        #expect(
            batch.described == [
                #"kind=service_check name="redis" status=ok arrival attributes={"check_status":0} payload=-"#,
                #"kind=service_check name="db.up" status=error time=1656581400000000 error="Timed out" "#
                    + #"attributes={"check_status":2,"host":"db1","message":"Timed out","#
                    + #""tags":{"env":"dev"}} payload=-"#,
            ])
    }

    /// As Datadog's clients escape: a newline, and `m:` within the message.
    /// Clients escape newlines everywhere, and `m:` within a check's message.
    @Test func textsAreStoredUnescaped() {
        let batch = decodeDatagram(
            #"_sc|db|2|m:from m\: 5 m\:s\nC:\dir \: m\|c:abc"# + "\n"
                + #"_e{1,8}:a|m\: b\nc|t:error"#)
        #expect(
            batch.described == [
                #"kind=service_check name="db" status=error arrival "#
                    + #"error="from m: 5 m:s\nC:\\dir \\: m\\" attributes={"check_status":2,"#
                    + #""message":"from m: 5 m:s\nC:\\dir \\: m\\"} payload=-"#,
                #"kind=log name="a" status=error arrival error="m\\: b\nc" "#
                    + #"attributes={"text":"m\\: b\nc","alert_type":"error"} payload=-"#,
            ])
    }

    static let metrics: [(String, String)] = [
        (#"{"metric":"a","type":"gauge","value":-5}"#, "-5.0"),
        (#"{"metric":"a","type":"gauge","value":[1,2]}"#, "2.0"),
        (#"{"metric":"a","type":"counter","values":[1.5],"sample_rate":1}"#, "1.5"),
        (#"{"metric":"a","type":"gauge","value":null,"values":[7]}"#, "7.0"),
    ]

    @Test(arguments: metrics)
    func nativeMetrics(line: String, last: String) {
        let batch = decodeDatagram(line)
        #expect(batch.rollups.map { "\($0.rollup.last)" } == [last])
        #expect(batch.tally.stored == 1)
    }

    static let rejected: [(String, RejectReason)] = [
        (#"{"metric":"a","type":"timer"}"#, .valueMissing),
        (#"{"metric":"a","type":"timer","values":[]}"#, .valueMissing),
        (#"{"metric":"a","type":"timer","value":null}"#, .valueMissing),
        (#"{"metric":"a","type":"timer","value":"1"}"#, .valueInvalid),
        (#"{"metric":"a","type":"timer","values":[1,"x"]}"#, .valueInvalid),
        (#"{"metric":"a","type":"timer","value":1e999}"#, .valueInvalid),
        (#"{"metric":"a","type":"set","value":[[]]}"#, .valueInvalid),
        (#"{"metric":"a","type":"gauge","value":1,"values":[2,3]}"#, .valueInvalid),
        (#"{"metric":"","type":"gauge","value":1}"#, .nameMissing),
        (#"{"usage":"m","input_tokens":"12"}"#, .valueInvalid),
        (#"{"usage":"m","input_tokens":-1}"#, .valueInvalid),
        (#"{"usage":"m","output_tokens":1e30}"#, .valueInvalid),
        (#"{"usage":"m","input_tokens":1,"cache_read_tokens":true}"#, .valueInvalid),
        (#"{"usage":"m","input_tokens":1,"cost_usd":"x"}"#, .valueInvalid),
        (#"{"metric":"a","value":1}"#, .typeUnknown),
        (#"{"metric":"a","type":"x","value":1}"#, .typeUnknown),
        (#"{"metric":"a","type":"counter","value":1,"rate":0}"#, .rateInvalid),
        (#"{"metric":"a","type":"counter","value":1,"rate":"x"}"#, .rateInvalid),
        (#"{"metric":"a","type":"counter","value":1,"time":"soon"}"#, .timeInvalid),
        (#"{"metric":"a","type":"counter","value":1,"tags":{"a":{}}}"#, .valueInvalid),
        (#"{"metric":"a","type":"counter","value":1,"tags":5}"#, .valueInvalid),
        (#"{"metric":"a\u0000","type":"counter","value":1}"#, .nulBytes),
        (#"{"metric":"a","#, .invalidJSON),
    ]

    @Test(arguments: rejected)
    func nativeMetricsThatAreNone(line: String, reason: RejectReason) {
        let batch = decodeDatagram(line + "\nafter:1|c")
        #expect(batch.tally.rejected == [reason: 1])
        #expect(batch.rollups.count == 1)
        #expect(batch.closes)
    }

    @Test func nativeTagsAreThoseOfStatsD() {
        let batch = decodeDatagrams([
            #"{"metric":"a","type":"counter","value":1,"tags":{"y":2,"x":"1,5","z":null,"t":true}}"#,
            "a:1|c|#z,x:1_5,t:true,y:2",
            #"{"metric":"a","type":"counter","value":1,"tags":["y:2","x:1_5","z","t:true"]}"#,
            #"{"metric":"a","type":"counter","value":1,"tags":"t:true,x:1_5,y:2,z"}"#,
        ])
        #expect(batch.series.count == 1)
        #expect(batch.rollups("a", tags: "t:true,x:1_5,y:2,z").map(\.rollup.count) == [4])
    }

    @Test func anEventMayMentionAMetric() {
        let batch = decodeDatagram(#"{"event":"alert","metric":"cpu","value":3}"#)
        #expect(batch.events.count == 1)
    }
}
