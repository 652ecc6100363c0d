import GRDB
import QuipuModel
import Testing

@testable import QuipuStore

/// Goal: a machine that is renamed goes on with its sources.
@Suite struct MachineTests {
    private let log = SourceIdentity(
        host: SourceIdentity.ownHost, kind: .file, key: "file:a-b-c", path: "/a")

    private func hosts(_ store: SQLiteStore) async throws -> [String] {
        // Newest first.
        try await store.ledger(PageRequest()).sources.rows.map(\.identity.host).sorted()
    }

    private func open(
        _ source: SourceIdentity, in path: String, as name: String, _ id: String?
    ) async throws -> (id: Int64, hosts: [String]) {
        let store = try await SQLiteStore(path: path, hostName: name, machineID: id)
        let state = try await store.open(source, size: 9, restart: nil, at: at(1))
        let hosts = try await hosts(store)
        await store.close()
        return (state.id, hosts)
    }

    @Test func aRenamedMachineIsTheSame() async throws {
        try await withStorePath { path in
            var other = log
            for name in ["alpha", "beta", "alpha", "gamma"] {
                let (id, hosts) = try await open(log, in: path, as: name, "m")
                #expect(id == 1)
                #expect(hosts == ["alpha"])
            }
            // Documents are found by their paths, which say nothing of the machine.
            other.kind = .document
            other.key = "path:/a"
            #expect(try await open(other, in: path, as: "gamma", "m").hosts == ["alpha", "alpha"])
        }
    }

    /// Where the machine has no identity, its name is all that there is.
    @Test func anotherMachineIsAnotherHost() async throws {
        try await withStorePath { path in
            var own = log
            own.key = "file:fe01-a-b-0"
            #expect(try await open(own, in: path, as: "alpha", "m").hosts == ["alpha"])
            #expect(try await open(own, in: path, as: "beta", "n").hosts == ["alpha", "beta"])
            #expect(try await open(own, in: path, as: "beta", nil).hosts == ["alpha", "beta"])
            let third = try await open(own, in: path, as: "gamma", nil)
            #expect(third.hosts == ["alpha", "beta", "gamma"])
        }
    }

    /// Agents of before named their host, which may have been a container's.
    @Test func filesComeHome() async throws {
        try await withStorePath { path in
            let store = try await SQLiteStore(path: path, hostName: "here", machineID: "m")
            var named = log
            named.host = "container"
            let first = try await store.open(named, size: 9, restart: nil, at: at(1))
            var document = named
            document.kind = .document
            document.key = "path:/a"
            let document1 = try await store.open(document, size: 9, restart: nil, at: at(1))
            let own = try await store.open(log, size: 9, restart: nil, at: at(2))
            #expect(own.id == first.id)
            document.host = SourceIdentity.ownHost
            let document2 = try await store.open(document, size: 9, restart: nil, at: at(2))
            #expect(document2.id != document1.id)
            #expect(try await hosts(store) == ["container", "here", "here"])
            // Who names a host is on it.
            #expect(try await store.open(named, size: 9, restart: nil, at: at(3)).id != own.id)
            await store.close()
        }
    }

    @Test func memoryHasTheHostOfTheFile() async throws {
        try await withStorePath { path in
            let opened = try await open(log, in: path, as: "alpha", "m")
            let memory = try await SQLiteStore(path: nil, hostName: "beta", machineID: "m")
            try await memory.copyRecent(from: path, since: at(0))
            let state = try await memory.open(log, size: 9, restart: nil, at: at(2))
            #expect(state.id == opened.id)
            #expect(try await hosts(memory) == ["alpha"])
            await memory.close()
        }
    }
}
