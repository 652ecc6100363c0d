import QuipuModel
import Testing

@testable import QuipuStore

@Suite struct CommitTests {
    @Test func storesAnEventWithAllItsMembers() async throws {
        try await withStore { store in
            let receipt = try await store.commit([
                EventLine(
                    time: 12.5, name: "Bash", status: .error, durationMs: 412, session: "s-1",
                    task: "t-1", agent: "code_agent", error: "exit 1", toolUseID: "toolu_1",
                    attributes: #"{"cwd":"/tmp"}"#,
                    payload: #"{"tool_input":{"command":"ls -l"}}"#)
            ])
            #expect(receipt.created == 1...1)
            #expect(receipt.completed == [])
            let events = try await store.allEvents()
            let expected = Event(
                seq: 1, time: at(12.5), timeIsArrival: false, kind: "tool_use", name: "Bash",
                status: .error, durationMs: 412, session: "s-1", task: "t-1", agent: "code_agent",
                error: "exit 1", sourcePath: "/logs/a.jsonl", sourceOffset: 0,
                attributesJSON: #"{"cwd":"/tmp","tool_input":{"command":"ls -l"}}"#)
            #expect(events == [expected])
            #expect(try await store.events(seqs: [1, 7, 1]) == [expected])
        }
    }
}
