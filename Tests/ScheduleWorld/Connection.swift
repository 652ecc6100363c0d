import AgentCore
import Platform

/// A connection between an agent and the daemon: two pipes of bytes. Either end may go, and it may
/// break behind any byte.
final class Connection: DaemonStream {
    /// On their way to the daemon, and to the agent.
    var toDaemon: [UInt8] = []
    var toAgent: [UInt8] = []
    /// The agent's end is closed: the daemon reads what is there, then the end.
    var agentIsGone = false
    /// The daemon's end is closed.
    var daemonIsGone = false
    /// So many more bytes get through to the daemon, and then the connection breaks.
    var breaksAfter: Int?
    let capacity: Int
    unowned let agent: AgentMachine
    /// Whose it is, for the trace.
    let number: Int
    let raw: Int32 = -1

    init(_ agent: AgentMachine, capacity: Int) {
        self.agent = agent
        number = agent.number
        self.capacity = capacity
    }

    deinit { agentIsGone = true }

    var isBroken: Bool { breaksAfter == 0 }

    func send(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int {
        try agent.act()
        guard !isBroken, !daemonIsGone else {
            throw SystemError(code: 32, operation: "send")
        }
        var count = min(bytes.count, capacity - toDaemon.count)
        if let limit = breaksAfter {
            count = min(count, limit)
            breaksAfter = limit - count
        }
        guard count > 0 else { throw SystemError(code: 11, operation: "send") }
        toDaemon.append(contentsOf: bytes.prefix(count))
        return count
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        try agent.act()
        if toAgent.isEmpty {
            if isBroken || daemonIsGone { return 0 }
            throw SystemError(code: 11, operation: "read")
        }
        let count = min(buffer.count, toAgent.count)
        buffer.copyBytes(from: toAgent.prefix(count))
        toAgent.removeFirst(count)
        return count
    }

    var isReadable: Bool { !toAgent.isEmpty || isBroken || daemonIsGone }
}
