import Foundation
import Platform
import TestSupport
import Testing

@testable import DaemonCore

/// Goal: what the database knows a machine by stays when it is renamed, and is nobody's secret.
@Suite struct MachineTests {
    @Test func namesAndIdentities() {
        let id = Array("0123456789abcdef0123456789abcdef".utf8)
        let alpha = Machine(hostName: "alpha", machineID: id)
        #expect(alpha.id == Machine(hostName: "beta", machineID: id).id)
        #expect(alpha.id != Machine(hostName: "alpha", machineID: id.reversed()).id)
        #expect(alpha.id?.contains("0123456789abcdef") == false)
        #expect(Machine(hostName: "alpha", machineID: nil).id == nil)
    }

    @Test func identityFiles() throws {
        let directory = try TemporaryDirectory()
        let path = directory("machine-id")
        #expect(ProcessFacts.machineID(path: path) == nil)
        for (content, id) in [("", nil), ("\n", nil), ("uninitialized\n", nil), ("ab12\n", "ab12")]
        {
            try content.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(ProcessFacts.machineID(path: path) == id.map { Array($0.utf8) })
        }
    }
}
