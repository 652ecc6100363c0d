import QuipuProtocol
import Testing

/// Every file of `protocol/`, against the code that serves it.
@Suite struct ExampleTests {
    @Test func everyMethodIsDescribedAndNoOther() {
        let described = Set(ProtocolFiles.names(in: "schemas")).subtracting(["common"])
        let served =
            QuipuProtocol.Method.allCases.map(\.rawValue) + IngestMethod.allCases.map(\.rawValue)
        #expect(described == Set(served))
    }

    @Test func everyErrorCodeIsDescribedAndNoOther() throws {
        let common = try ProtocolFiles.json("schemas/common.json")
        let codes = common["$defs"]?["error"]?["properties"]?["code"]?["enum"]?.array
        #expect(
            Set((codes ?? []).compactMap(\.int))
                == Set(ErrorCode.allCases.map { Int64($0.rawValue) }))
    }

    @Test func discoverServesTheDocument() throws {
        let served = try JSON.parse(OpenRPCDocument.text.utf8, nestingMax: 256)
        let document = try ProtocolFiles.json("openrpc.json")
        #expect(served == document)
        let names = (served["methods"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(Set(names) == Set(QuipuProtocol.Method.allCases.map(\.rawValue)))
        #expect(!OpenRPCDocument.text.contains("\n"))
    }

    @Test(arguments: ProtocolFiles.validExamples)
    func validExamplesAreTaken(_ name: String) throws {
        let example = try ProtocolFiles.json("examples/valid/\(name).json")
        let request = try #require(example["request"])
        guard case .single(.success(let read)) = Incoming.parse(request.bytes) else {
            Issue.record("the envelope is refused")
            return
        }
        #expect(Check.error(of: read) == nil)
        #expect(read.id == example["reply"]?["id"])
        // What a client writes is what was read, and the reply's text survives the way through.
        #expect(Incoming.parse(read.json.bytes) == .single(.success(read)))
        let reply = try #require(example["reply"])
        #expect(try JSON.parse(reply.bytes) == reply)
    }

    @Test(arguments: ProtocolFiles.names(in: "examples/invalid"))
    func invalidExamplesGetTheirError(_ name: String) throws {
        let example = try ProtocolFiles.json("examples/invalid/\(name).json")
        // What only a daemon can tell is tested with one.
        guard example["needs"] == nil else { return }
        let line: [UInt8]
        if let unit = example["line"]?["repeat"]?.string, let times = example["line"]?["times"]?.int
        {
            line = Array(String(repeating: unit, count: Int(times)).utf8)
        } else {
            line = Array(try #require(example["line"]?.string).utf8)
        }
        let found = try #require(Check.error(of: line))
        #expect(Int64(found.code.rawValue) == example["error"]?["code"]?.int)
        #expect(found.reason == example["error"]?["reason"]?.string)
        #expect(found.path == example["error"]?["path"]?.string)
        #expect(RPCError(json: found.json) == found)
    }

    @Test(arguments: ["well", "in_memory", "disk_failed"])
    func healthIsWrittenAsDescribed(_ name: String) throws {
        let result = try ProtocolFiles.json("examples/valid/health/\(name).json")["reply"]?[
            "result"]
        #expect(ReportExamples.health(name).json == result)
    }

    @Test func statsAreWrittenAsDescribed() throws {
        let busy = try ProtocolFiles.json("examples/valid/stats/busy.json")["reply"]?["result"]
        #expect(ReportExamples.stats().json == busy)
        let fresh = try ProtocolFiles.json("examples/valid/stats/fresh.json")["reply"]?["result"]
        #expect(
            fresh?["commits"]?["latency_ms"] == StatsReport().json["commits"]?["latency_ms"])
    }
}
