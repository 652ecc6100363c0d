import IngestCore
import QuipuModel
import QuipuProtocol
import Testing

/// Goal: a source is found again when its disk has another number, and no two are taken for one.
@Suite struct SourceKeyTests {
    @Test(arguments: [
        ("file:fe00000000-1040c5-3143251a-18e9fc00aa", "file:1040c5-3143251a-18e9fc00aa"),
        ("file:2b-1040c5-0-18e9fc00aaf60c7a", "file:1040c5-0-18e9fc00aaf60c7a"),
        ("spool:660c-fe01-104-b9-18e9", "spool:660c-104-b9-18e9"),
        ("twin:fe01-104-b9-18e9", "file:fe01-104-b9-18e9"),
        // Without a time of birth the device is needed.
        ("file:fe01-104-b9-0", "file:fe01-104-b9-0"),
        ("spool:660c-fe01-104-b9-0", "spool:660c-fe01-104-b9-0"),
        // Once is enough.
        ("file:104-b9-18e9", "file:104-b9-18e9"),
        ("spool:660c-104-b9-18e9", "spool:660c-104-b9-18e9"),
        // What others say is theirs.
        ("file:1", "file:1"), ("file:a-b-c-x", "file:a-b-c-x"), ("file:a--b-c", "file:a--b-c"),
        ("path:/a-1-2-3", "path:/a-1-2-3"), ("import:usage:a-b-c-d", "import:usage:a-b-c-d"),
        ("quipud:tasks.put", "quipud:tasks.put"),
    ]) func keysThatLast(key: String, lasting: String) {
        #expect(SourceKey.lasting(key) == lasting)
    }

    private func opened(
        _ source: JSON, by session: inout IngestSession
    ) throws -> SourceIdentity? {
        let request = Request(id: 1, method: "ingest.open", params: ["source": source, "size": 5])
        let now = Timestamp(microseconds: 0)
        guard case .open(let open) = try session.take(request, lastByte: nil, now: now) else {
            return nil
        }
        return open.source
    }

    @Test func agentsNameTheDevice() throws {
        var session = IngestSession(hostNames: ["here"])
        let keys = try ["file:1-2-3-4", "file:9-2-3-4", "twin:9-2-3-4"].map { key in
            try opened(["host": "h", "key": .string(key), "path": "/a"], by: &session)?.key
        }
        #expect(keys == ["file:2-3-4", "file:2-3-4", "file:9-2-3-4"])
    }

    @Test func theDaemonsOwnIsNoAgents() {
        var session = IngestSession(hostNames: ["here"])
        #expect(throws: RPCError.self) {
            try opened(["key": "quipud:tasks.put", "path": "/a"], by: &session)
        }
    }

    @Test func theMachineByAnyOfItsNames() throws {
        var session = IngestSession(hostNames: ["before", "now"])
        let sources: [JSON] = [
            ["key": "k", "path": "/a"], ["host": "before", "key": "k", "path": "/a"],
            ["host": "now", "key": "k", "path": "/a"], ["host": "else", "key": "k", "path": "/a"],
        ]
        let hosts = try sources.map { try opened($0, by: &session)?.host }
        #expect(hosts == ["", "", "", "else"])
    }

    @Test func keysOfOneFile() {
        for key in ["file:104-b9-18e9", "spool:660c-104-b9-18e9", "import:usage:ab-3"] {
            #expect(SourceKey.isOfOneFile(key))
        }
        for key in ["file:fe01-104-b9-18e9", "file:1", "file:fe01-104-b9-0", "path:/a", "k"] {
            #expect(!SourceKey.isOfOneFile(key))
        }
    }
}
