import Foundation
import Platform
import QuipuProtocol
import TestSupport
import Testing

/// What the service manager hears, from a socket that stands in for it.
@Suite(.serialized) struct ServiceManagerTests {
    @Test func readyComesWhenTheSocketsAnswerAndTheWatchdogIsFed() throws {
        let rig = try Rig()
        let path = rig.directory("notify.sock")
        let manager = try UnixSocket.listen(at: path, kind: .datagram, mode: 0o600)
        let daemon = try Program(
            "quipud", ["--runtime-dir", rig.runtime, "--state-dir", rig.state],
            environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"],
            log: rig.directory("quipud.log"))
        var messages: [String] = []
        try rig.waitUntil("READY=1") {
            messages += Self.drain(manager.raw)
            return messages.contains { $0.hasPrefix("READY=1") }
        }
        // READY means ready: no retry here.
        #expect(try rig.ask("health")["watchdog"]?["enabled"] == true)
        try rig.waitUntil("two proofs of life") {
            messages += Self.drain(manager.raw)
            return messages.filter { $0 == "WATCHDOG=1" }.count >= 2
        }
        daemon.signal(SIGHUP)
        try rig.waitUntil("RELOADING=1") {
            messages += Self.drain(manager.raw)
            return messages.contains { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }
        }
        #expect(daemon.stop() == 0)
        messages += Self.drain(manager.raw)
        #expect(messages.contains("STOPPING=1"))
    }

    private static func drain(_ descriptor: Int32) -> [String] {
        var messages: [String] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return messages }
            messages.append(String(decoding: buffer.prefix(count), as: UTF8.self))
        }
    }
}
