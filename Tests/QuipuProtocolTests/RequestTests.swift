import QuipuModel
import QuipuProtocol
import Testing

@Suite struct RequestTests {
    private func single(_ line: String) -> Result<Request, RefusedRequest>? {
        guard case .single(let result) = Incoming.parse(Array(line.utf8)) else { return nil }
        return result
    }

    @Test(arguments: ["", "  ", "\t", "\r", " \r"])
    func blankLinesAreIgnored(_ line: String) {
        #expect(Incoming.parse(Array(line.utf8)) == .blank)
    }

    @Test func withoutVersionAndIDItIsAnsweredWithNull() throws {
        let request = try single(#"{"method":"health"}"#)?.get()
        #expect(request == Request(id: .null, method: "health"))
    }

    @Test func withVersionAndWithoutIDItIsANotification() throws {
        let request = try #require(try single(#"{"jsonrpc":"2.0","method":"health"}"#)?.get())
        #expect(request.id == nil)
    }

    @Test(arguments: [("7", JSON.int(7)), ("1.5", .double(1.5)), (#""x""#, "x"), ("null", .null)])
    func idsAreKeptAsTheyCome(_ text: String, _ id: JSON) throws {
        let line = #"{"jsonrpc":"2.0","id":\#(text),"method":"health","params":{}}"#
        #expect(try single(line)?.get().id == id)
    }

    @Test func aRefusedEnvelopeKeepsAnIDThatCouldBeRead() {
        guard case .failure(let refused) = single(#"{"id":7,"method":"a","x":1}"#) else {
            Issue.record("taken")
            return
        }
        #expect(refused.id == 7)
        #expect(refused.error.path == "x")
        let reply = refused.reply.json
        #expect(reply["id"] == 7)
        #expect(reply["error"]?["data"]?["path"] == "x")
    }

    @Test func aBatchKeepsItsOrderAndItsWrongMembers() {
        let line = #"[{"id":1,"method":"a"},3,{"id":2,"method":"b"}]"#
        guard case .batch(let results) = Incoming.parse(Array(line.utf8)), results.count == 3 else {
            Issue.record("no batch of three")
            return
        }
        #expect((try? results[0].get())?.id == 1)
        #expect((try? results[1].get()) == nil)
        #expect((try? results[2].get())?.id == 2)
    }

    @Test func aNotificationNamesWhatWasMissed() {
        let first = Notification(subscription: 1, seq: 1, topic: .events, data: [:])
        #expect(
            first.json.text == #"{"jsonrpc":"2.0","method":"notify","#
                + #""params":{"subscription":1,"seq":1,"topic":"events","data":{}}}"#)
        let late = Notification(subscription: 1, seq: 9, topic: .events, data: [:], missed: 7)
        #expect(late.json["params"]?["missed"] == 7)
    }

    @Test func aMebibyteIsTakenAndOneByteMoreIsNot() {
        let envelope = #"{"method":"health","params":{"a":""}}"#.utf8.count
        let filling = String(repeating: "x", count: Limits.requestBytesMax - envelope)
        let line = #"{"method":"health","params":{"a":"\#(filling)"}}"#
        #expect((try? single(line)?.get()) != nil)
        guard case .failure(let refused) = single(line + " ") else {
            Issue.record("taken")
            return
        }
        #expect(refused.error.code == .tooLarge)
    }
}
