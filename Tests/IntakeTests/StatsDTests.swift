import Intake
import QuipuModel
import Sketches
import Testing

@Suite struct StatsDTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let line: String
        var dialect = Dialect.statsd
        /// `type name [tags] count sum last`, for each series.
        let series: [String]
        var testDescription: String { line }
    }

    static let cases: [Case] = [
        Case(line: "page.views:1|c", series: ["counter page.views [] 1.0 1.0 1.0"]),
        Case(line: "page.views:1|c\n", series: ["counter page.views [] 1.0 1.0 1.0"]),
        Case(line: "page.views:1|c  \r\n", series: ["counter page.views [] 1.0 1.0 1.0"]),
        Case(line: "fuel.level:0.5|g", series: ["gauge fuel.level [] 1.0 0.5 0.5"]),
        Case(line: "song.length:240|h|@0.5", series: ["histogram song.length [] 2.0 480.0 240.0"]),
        Case(line: "resp:320.25|ms|@0.1", series: ["timer resp [] 10.0 3202.5 320.25"]),
        Case(line: "resp:320.25|d", series: ["distribution resp [] 1.0 320.25 320.25"]),
        Case(line: "hits:3|c|@0.1", series: ["counter hits [] 10.0 30.0 3.0"]),
        Case(line: "hits:-3|c", series: ["counter hits [] 1.0 -3.0 -3.0"]),
        Case(line: "level:5|g|@0.1", series: ["gauge level [] 1.0 5.0 5.0"]),
        Case(line: "u:1234|s", series: ["set u [] 1.0 0.0 0.0"]),
        Case(line: "u:a:b|s", series: ["set u [] 1.0 0.0 0.0"]),
        Case(line: "pack:1:2:32|d", series: ["distribution pack [] 3.0 35.0 32.0"]),
        Case(line: "pack:21::22|c", series: ["counter pack [] 2.0 43.0 22.0"]),
        Case(line: "multi:1|c:2|c", series: ["counter multi [] 2.0 3.0 2.0"]),
        Case(
            line: "multi:1|c|@0.5:200|ms",
            series: ["counter multi [] 2.0 2.0 1.0", "timer multi [] 1.0 200.0 200.0"]),
        Case(line: "multi:1|c:2|c|#a:b", series: ["counter multi [a:b] 2.0 3.0 2.0"]),
        Case(line: "tags:1|c|#b:2,a:1,,b:2", series: ["counter tags [a:1,b:2] 1.0 1.0 1.0"]),
        Case(line: "tags:1|c|#bare|@0.5", series: ["counter tags [bare] 2.0 2.0 1.0"]),
        Case(line: "tags:1|c|#", series: ["counter tags [] 1.0 1.0 1.0"]),
        Case(
            line: "origin:1|c|@1|#env:x|c:ci-12|e:it-false,cn-a|card:low",
            series: ["counter origin [env:x] 1.0 1.0 1.0"]),
        Case(line: "later:1|c|new:field|", series: ["counter later [] 1.0 1.0 1.0"]),
        Case(line: "exp:1e-05|h", series: ["histogram exp [] 1.0 1e-05 1e-05"]),
        Case(line: "exp:.5|h", series: ["histogram exp [] 1.0 0.5 0.5"]),
        Case(line: "exp:5.|h", series: ["histogram exp [] 1.0 5.0 5.0"]),
        Case(line: "exp:1E2|h", series: ["histogram exp [] 1.0 100.0 100.0"]),
        Case(
            line: "many:9007199254740993|c",
            series: ["counter many [] 1.0 9007199254740992.0 9007199254740992.0"]),
        Case(line: "_scheduler:1|c", series: ["counter _scheduler [] 1.0 1.0 1.0"]),
        Case(line: "a b/c:1|c", series: ["counter a b/c [] 1.0 1.0 1.0"]),
        Case(line: "x:+4|g", dialect: .dogstatsd, series: ["gauge x [] 1.0 4.0 4.0"]),
        Case(line: "x:-4|g", dialect: .dogstatsd, series: ["gauge x [] 1.0 -4.0 -4.0"]),
        Case(line: "x:-4|g|#a:b", series: ["gauge x [a:b] 1.0 -4.0 -4.0"]),
        Case(line: "x:-4|g|c:abc", series: ["gauge x [] 1.0 -4.0 -4.0"]),
        Case(line: "x:10|g\nx:-3|g", series: ["gauge x [] 2.0 17.0 7.0"]),
        Case(line: "x:0|g\nx:-5|g", series: ["gauge x [] 2.0 -5.0 -5.0"]),
    ]

    @Test(arguments: cases)
    func takesSamples(_ test: Case) {
        let batch = decodeDatagram(test.line, dialect: test.dialect)
        #expect(batch.rejects.isEmpty)
        #expect(batch.closes)
        let series = batch.rollups.map { delta in
            let key = batch.series[delta.series]
            let rollup = delta.rollup
            return "\(key.type.word) \(batch.string(key.name) ?? "") "
                + "[\(batch.string(key.tags) ?? "")] \(rollup.count) \(rollup.sum) \(rollup.last)"
        }
        #expect(series == test.series)
    }

    static let rejected: [(String, RejectReason)] = [
        ("a", .valueMissing), (":1|c", .nameMissing), ("a:|c", .valueMissing),
        ("a:::|c", .valueMissing), ("a:|s", .valueMissing), ("a:1", .typeUnknown),
        ("a:1|", .typeUnknown), ("a:1|x", .typeUnknown), ("a:1|m", .typeUnknown),
        ("a:1|C", .typeUnknown), ("a:1|cc", .typeUnknown), ("a:1|c:2|x", .typeUnknown),
        ("a:x|c", .valueInvalid), ("a:1x|c", .valueInvalid), ("a:1:x:2|c", .valueInvalid),
        ("a:1|c:x|c", .valueInvalid), ("a:NaN|g", .valueInvalid), ("a:inf|g", .valueInvalid),
        ("a:1e999|g", .valueInvalid), ("a:0x10|c", .valueInvalid), ("a:1e|c", .valueInvalid),
        ("a:--1|c", .valueInvalid), ("a:+|g", .valueInvalid), ("a: 1|c", .valueInvalid),
        ("a:1|c|@0", .rateInvalid), ("a:1|c|@-1", .rateInvalid), ("a:1|c|@x", .rateInvalid),
        ("a:1|c|@", .rateInvalid), ("a:1|c|@nan", .rateInvalid), ("a:1|c|@1e-300", .rateInvalid),
        ("a:1e249|c|@1e-9", .valueInvalid),
        ("a:1|c|T0", .timeInvalid), ("a:1|g|T-5", .timeInvalid), ("a:1|c|T1.5", .timeInvalid),
        ("a:1|c|T", .timeInvalid), ("a:1|c|T99999999999999", .timeInvalid),
        (String(repeating: "n", count: 201) + ":1|c", .nameTooLong),
        ("a:1|c|#" + String(repeating: "t", count: 201), .nameTooLong),
        ("a:1|c|#" + (0..<33).map { "t\($0)" }.joined(separator: ","), .tagsTooMany),
        ("a\0b:1|c", .nulBytes), ("a:1|c|#x\0", .nulBytes),
        ("_e{5,4}:Title|tex", .eventInvalid), ("_e{0,4}:|text", .eventInvalid),
        ("_e{5}:Title", .eventInvalid), ("_e{", .eventInvalid), ("_e{-1,2}:a|b", .eventInvalid),
        ("_e{5,4}:Titlextext", .eventInvalid), ("_e{999999999999999999,1}:a|b", .eventInvalid),
        ("_sc|name", .serviceCheckInvalid), ("_sc|name|4", .serviceCheckInvalid),
        ("_sc||0", .serviceCheckInvalid), ("_sc|name|01", .serviceCheckInvalid),
        ("_sc|", .serviceCheckInvalid),
    ]

    @Test(arguments: rejected)
    func rejectsTheLineAlone(line: String, reason: RejectReason) {
        let batch = decodeDatagram("before:1|c\n" + line + "\nafter:1|c")
        #expect(batch.tally.rejected == [reason: 1])
        #expect(batch.tally.stored == 2)
        #expect(batch.rollups.count == 2)
        #expect(batch.closes)
        #expect(batch.rejects.first?.lineOffset == 24 + 11)
    }

    @Test func namesAndTagsMustBeText() {
        for bytes in [[0xff, 0x3a], [0x61, 0xc3, 0x3a]] as [[UInt8]] {
            let batch = decode(
                frame(bytes + Array("1|c".utf8)), path: "", kind: .datagrams)
            #expect(batch.tally.rejected == [.invalidUTF8: 1])
        }
    }

    @Test func timeOfCountersAndGaugesIsTheirOwn() {
        for (type, start) in [
            ("c", 1_656_581_400), ("g", 1_656_581_400), ("h", 1_800_000_000),
            ("ms", 1_800_000_000),
        ] as [(String, Int64)] {
            let batch = decodeDatagram("a:1|\(type)|T1656581401")
            #expect(batch.rollups.map(\.bucketStart) == [start])
        }
    }

    @Test func changesBeforeAnyValueAreRelative() throws {
        let batch = decodeDatagram("x:+5|g\nx:-2|g\nx:7|g\nx:+1|g")
        let delta = try #require(batch.rollups.first)
        #expect(batch.rollups.count == 1)
        let relative = try #require(delta.relative)
        #expect(relative.count == 2 && relative.sum == 8 && relative.last == 3)
        #expect(relative.min == 3 && relative.max == 5)
        #expect(delta.rollup.count == 2 && delta.rollup.sum == 15 && delta.rollup.last == 8)
    }

    @Test func changesAddUpOverSpans() {
        let batch = decode(
            frame(Array("x:+5|g".utf8), at: Timestamp(microseconds: 5_000_000))
                + frame(Array("x:+2|g".utf8), at: Timestamp(microseconds: 25_000_000)),
            path: "", kind: .datagrams)
        #expect(batch.rollups.map(\.bucketStart) == [0, 20])
        #expect(batch.rollups.map { $0.relative?.last } == [5, 7])
        #expect(batch.rollups.map(\.rollup.isEmpty) == [true, true])
    }

    @Test func setsCountDistinctMembers() {
        let batch = decodeDatagram("u:ana|s\nu:bo|s\nu:ana|s\nu:a:b|s")
        #expect(batch.rollups.map { $0.members?.estimate } == [3])
        #expect(batch.rollups.map(\.rollup.count) == [4])
    }

    @Test func sketchesOnlyWhereQuantilesMakeSense() {
        let batch = decodeDatagram("a:1|c\nb:1|g\nc:1|ms\nd:1|h\ne:1|d\nf:1|s")
        #expect(
            batch.rollups.map { $0.rollup.sketch != nil }
                == [false, true, true, true, true, false])
    }

    @Test func orderOfTagsMakesNoDifference() {
        let batch = decodeDatagrams(["a:1|c|#x:1,y:2", "a:2|c|#y:2,x:1", "a:4|c|#x:1,y:2,x:1"])
        #expect(batch.series.count == 1)
        #expect(batch.rollups.map(\.rollup.sum) == [7])
    }

    @Test func spansAreApartAndFoundAgain() {
        let times: [Int64] = [10, 25, 12, 31, 19]
        let bytes = times.flatMap {
            frame(Array("a:1|c".utf8), at: Timestamp(microseconds: $0 * 1_000_000))
        }
        let batch = decode(bytes, path: "", kind: .datagrams)
        #expect(batch.rollups.map(\.bucketStart) == [10, 20, 30])
        #expect(batch.rollups.map(\.rollup.count) == [3, 1, 1])
    }

    @Test func aDecoderForgetsTheBatchBefore() {
        let decoder = Decoder()
        let bytes = frame(Array("a:1|c|#t\nx:3|g".utf8))
        for _ in 0..<3 {
            let batch = decode(bytes, path: "", kind: .datagrams, decoder: decoder)
            #expect(batch.series.count == 2)
            #expect(batch.rollups.map(\.rollup.sum) == [1, 3])
        }
        let change = decode(
            frame(Array("x:+1|g".utf8)), path: "", kind: .datagrams, decoder: decoder)
        #expect(change.rollups.map { $0.relative?.last } == [1])
    }

    @Test func manySeries() {
        let lines = (0..<5_000).map { "series.\($0 % 2_500):1|c|#k:\($0 % 5)" }
        let batch = decodeDatagrams(
            stride(from: 0, to: lines.count, by: 100).map {
                lines[$0..<$0 + 100].joined(separator: "\n")
            })
        #expect(batch.series.count == 2_500)
        #expect(batch.rollups.allSatisfy { $0.rollup.count == 2 })
    }
}
