import Foundation
import QuipuProtocol
import TestSupport
import Testing

/// What only some may ask for, through the real daemon and the real CLI.
@Suite struct AdministrationTests {
    private func quipu(_ rig: Rig, _ arguments: [String]) throws -> (
        status: Int32, output: String, errors: String
    ) {
        try Program.run("quipu", ["--runtime-dir", rig.runtime] + arguments)
    }

    @Test func aBackupIsMadeAndRestored() throws {
        let rig = try Rig()
        try rig.start()
        try rig.append(String(repeating: "{\"a\":1}\n", count: 500), to: "a.jsonl")
        try rig.waitForLines(500)
        let file = rig.directory("backup.db")
        let made = try quipu(rig, ["--json", "backup", file])
        #expect(made.status == 0, "\(made.errors)")
        #expect(try JSON.parse(Array(made.output.dropLast().utf8))["events"] == 500)
        // Nothing is written over.
        #expect(try quipu(rig, ["backup", file]).status == 64)

        try rig.append(String(repeating: "{\"b\":1}\n", count: 20), to: "a.jsonl")
        try rig.waitForLines(520)
        rig.agent?.stop()
        let running = try quipu(rig, ["restore", "--state-dir", rig.state, file])
        #expect(running.status == 1)
        #expect(running.errors.contains("stop it first"))
        rig.daemon?.stop()
        let nonsense = rig.directory("nonsense")
        try String(repeating: "x", count: 200).write(
            toFile: nonsense, atomically: true, encoding: .utf8)
        #expect(try quipu(rig, ["restore", "--state-dir", rig.state, nonsense]).status == 1)
        let torn = rig.directory("torn.db")
        try FileManager.default.copyItem(atPath: file, toPath: torn)
        try #require(truncate(torn, 100_000) == 0)
        let refused = try quipu(rig, ["restore", "--state-dir", rig.state, torn])
        #expect(refused.status == 1)
        #expect(refused.errors.contains("not whole"))
        let database = rig.state + "/quipu.db"
        let before = try Data(contentsOf: URL(fileURLWithPath: database))
        for _ in 0..<2 {
            let restored = try quipu(rig, ["restore", "--state-dir", rig.state, file])
            #expect(restored.status == 0, "\(restored.errors)")
        }
        // What the first one kept is not what the second one put in its place.
        let kept = URL(fileURLWithPath: database + ".before-restore")
        #expect(try Data(contentsOf: kept) == before)
        #expect(FileManager.default.fileExists(atPath: database + ".before-restore-2"))
        // A new machine has no directory yet.
        let elsewhere = rig.directory("new/machine")
        let moved = try quipu(rig, ["--json", "restore", "--state-dir", elsewhere, file])
        #expect(moved.status == 0, "\(moved.errors)")
        let answer = try JSON.parse(Array(moved.output.utf8))
        #expect(answer == ["path": .string(elsewhere + "/quipu.db")])
        let attributes = try FileManager.default.attributesOfItem(atPath: elsewhere)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        #expect(FileManager.default.contentsEqual(atPath: elsewhere + "/quipu.db", andPath: file))
        try rig.startDaemon()
        #expect(try rig.ask("ledger")["total"]?["received"] == 500)
        // The log is read on from where the backup had read it.
        try rig.startAgent()
        try rig.waitForLines(520)
        #expect(try rig.ask("ledger")["total"]?["stored"] == 520)
        #expect(try rig.ask("ledger")["balanced"] == true)
    }

    /// A copy of memory has the recent hours, but the positions of everything.
    @Test func memoryIsNotBackedUp() throws {
        let rig = try Rig()
        try rig.startDaemon()
        #expect(try rig.ask("admin.persistence", ["enabled": false])["mode"] == "memory")
        let file = rig.directory("backup.db")
        let refused = try quipu(rig, ["backup", file])
        #expect(refused.status == 1)
        #expect(refused.errors.contains("memory"))
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    /// The file that is locked may be deleted; its directory is still held.
    @Test func aSecondDaemonIsRefusedWithoutTheLockFile() throws {
        let rig = try Rig()
        try rig.startDaemon()
        try FileManager.default.removeItem(atPath: rig.state + "/quipud.lock")
        let second = try Program.run(
            "quipud", ["--runtime-dir", rig.directory("other"), "--state-dir", rig.state])
        #expect(second.status == 1)
        #expect(second.errors.contains("already uses \(rig.state)"))
        let mode = try FileManager.default.attributesOfItem(atPath: rig.state + "/quipu.db")
        #expect(mode[.posixPermissions] as? Int == 0o600)
    }

    /// Runs take turns, however many ask at once.
    @Test func manyMayAskForRetentionAtOnce() throws {
        let rig = try Rig()
        try rig.startDaemon()
        for _ in 0..<5 {
            let connections = try (0..<6).map { _ in try Connection(rig.querySocket) }
            for connection in connections {
                try connection.send("{\"method\":\"admin.retention\"}\n")
            }
            for connection in connections {
                #expect(try connection.reply()?["result"]?["dry_run"] == false)
            }
        }
    }

    @Test func retentionIsAskedForAndReported() throws {
        let rig = try Rig()
        try rig.startDaemon([], environment: ["QUIPU_RETENTION_EVENTS_DAYS": "7"])
        try rig.startAgent()
        try rig.append(
            "{\"timestamp\":\"2020-01-01T00:00:00Z\",\"a\":1}\n{\"a\":2}\n", to: "a.jsonl")
        try rig.waitForLines(2)
        let foretold = try rig.ask("admin.retention", ["dry_run": true])
        #expect(foretold["removed"]?["events"] == 1)
        #expect(try rig.allEvents().count == 2)
        #expect(try quipu(rig, ["retention"]).output.contains("events"))
        #expect(try rig.allEvents().count == 1)
        let stats = try rig.ask("stats")["retention"]
        #expect(stats?["events"] == 1)
        #expect(stats?["last_run"]?.string != nil)
        #expect(try rig.ask("ledger")["balanced"] == true)
        #expect(try quipu(rig, ["flush"]).status == 0)
    }

    /// Others may ask, but not administer: and are told so before their parameters are read.
    @Test(.enabled(if: getuid() == 0, "needs root, to be somebody else"))
    func othersAreDenied() throws {
        let rig = try Rig()
        try rig.startDaemon([], environment: ["QUIPU_ADMIN_GROUP": "daemon"])
        for path in [rig.directory.path, rig.runtime] { chmod(path, 0o755) }
        chmod(rig.querySocket, 0o666)
        func ask(_ line: String, as options: String) throws -> JSON {
            let script = "printf '%s\\n' '\(line)' | socat -t 20 - UNIX-CONNECT:\(rig.querySocket)"
            let result = try Program.run(
                "/usr/bin/setpriv",
                options.split(separator: " ").map(String.init) + ["sh", "-c", script])
            return try JSON.parse(Array(result.output.utf8.dropLast()))
        }
        let nobody = "--reuid 65534 --regid 65534 --clear-groups"
        let member = "--reuid 65534 --regid 65534 --groups 1"
        #expect(try ask("{\"method\":\"health\"}", as: nobody)["result"]?["status"] == "ok")
        for method in [
            "admin.retention", "admin.backup", "admin.flush", "limits.set", "prices.set",
            "tasks.put", "documents.put", "documents.delete",
        ] {
            let request = "{\"method\":\"\(method)\",\"params\":{\"nonsense\":1}}"
            #expect(try ask(request, as: nobody)["error"]?["code"] == -32002, "\(method)")
            #expect(try ask(request, as: member)["error"]?["code"] == -32602, "\(method)")
        }
    }
}
