import Foundation
import TestSupport
import Testing

/// Datagrams over UDP, for clients that know nothing else.
@Suite struct UDPTests {
    private func send(_ text: String, to port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        return withUnsafePointer(to: FreePort.loopback(port: port)) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, 0, $0,
                    socklen_t(MemoryLayout<sockaddr_in>.size)) == bytes.count
            }
        }
    }

    @Test func loopbackIsReceived() throws {
        let rig = try Rig()
        let port = try FreePort.udp()
        try rig.startDaemon()
        try rig.startAgent(["--udp", "127.0.0.1:\(port)"])
        #expect(send("udp.requests:3|c\nudp.requests:4|c", to: port))
        try rig.waitForLines(2)
        let query = try rig.ask(
            "metrics.query", ["metric": "udp.requests", "aggregate": "sum", "step": "1h"])
        let points = query["series"]?.array?.first?["points"]?["sum"]?.array
        #expect(points?.compactMap { $0.array?.last?.int }.reduce(0, +) == 7)
    }

    @Test(arguments: ["bad", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536"])
    func whatIsNoAddressIsWrongUsage(_ place: String) throws {
        let result = try Program.run("quipu-agent", ["--udp", place])
        #expect(result.status == 64)
        #expect(result.errors.contains("is not HOST:PORT"))
    }

    @Test func otherAddressesAreRefusedUnlessMeant() throws {
        let rig = try Rig()
        let arguments = ["--runtime-dir", rig.runtime, "--state-dir", rig.state]
        let port = try FreePort.udp()
        let refused = try Program(
            "quipu-agent", arguments + ["--udp", "0.0.0.0:\(port)"], log: rig.directory("no.log"))
        #expect(refused.wait() == 1)
        #expect(refused.log.contains("udp.anywhere: true"))
        let meant = try Program(
            "quipu-agent", arguments + ["--udp", "0.0.0.0:\(port)"],
            environment: ["QUIPU_UDP_ANYWHERE": "true"], log: rig.directory("yes.log"))
        try rig.waitUntil("it is ready") { meant.log.contains("ready") }
        #expect(meant.stop() == 0)
    }
}
