import Foundation

/// One of the project's own executables at a terminal of its own, and what a person would see.
public final class TerminalProgram {
    public let processID: pid_t
    public private(set) var screen: TerminalScreen
    private let terminal: Int32
    private let before: [UInt8]
    private var status: Int32?

    private static let patienceMilliseconds = 120_000.0 * Patience.factor

    public init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        columns: Int, rows: Int
    ) throws {
        var (near, far): (Int32, Int32) = (-1, -1)
        var size = Self.size(columns, rows)
        guard openpty(&near, &far, nil, nil, &size) == 0, let path = ttyname(far) else {
            throw POSIXError(.EIO)
        }
        // Only the program has the far end open, so that its end shows as the terminal's.
        defer { close(far) }
        terminal = near
        before = Self.settings(near)
        screen = TerminalScreen(columns: columns, rows: rows)
        _ = fcntl(near, F_SETFD, FD_CLOEXEC)
        _ = fcntl(far, F_SETFD, FD_CLOEXEC)
        let variables = ProcessInfo.processInfo.environment
            .merging(["TERM": "xterm-256color", "COLUMNS": "", "NO_COLOR": ""]) { $1 }
            .merging(environment) { $1 }
        processID = try Self.spawn(
            [Program.directory + "/" + name] + arguments, variables, at: String(cString: path))
    }

    /// In a session of its own, whose controlling terminal becomes the first that it opens.
    private static func spawn(
        _ arguments: [String], _ environment: [String: String], at path: String
    ) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // POSIX_SPAWN_SETSID, which the overlay lacks.
        let newSession = 0x80
        posix_spawnattr_setflags(&attributes, Int16(newSession | Int(POSIX_SPAWN_SETSIGMASK)))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] =
            environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, &attributes, &argv, &envp)
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: result) ?? .EIO) }
        return pid
    }

    private static func size(_ columns: Int, _ rows: Int) -> winsize {
        winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    }

    /// What keys do at the terminal: echo, lines, signals.
    private static func settings(_ terminal: Int32) -> [UInt8] {
        var settings = termios()
        tcgetattr(terminal, &settings)
        return withUnsafeBytes(of: &settings) { Array($0) }
    }

    /// Whether keys do again what they did before the program began.
    public var isRestored: Bool { Self.settings(terminal) == before }

    public func press(_ keys: String) {
        let bytes = Array(keys.utf8)
        _ = write(terminal, bytes, bytes.count)
    }

    /// The kernel tells the program.
    public func resize(columns: Int, rows: Int) {
        screen.resize(columns: columns, rows: rows)
        var size = Self.size(columns, rows)
        _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
    }

    public func signal(_ number: Int32) { kill(processID, number) }

    /// Reads what the program writes until its screen is so.
    public func waitUntil(
        _ what: String, _ condition: (TerminalScreen) -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(Self.patienceMilliseconds / 1_000)
        while !condition(screen) {
            guard try readMore(until: deadline) else {
                throw Timeout(what: what, screen: screen.text)
            }
        }
    }

    /// Reads to the program's end and returns its exit status; 128 and more for a signal.
    public func wait() throws -> Int32 {
        let deadline = Date().addingTimeInterval(Self.patienceMilliseconds / 1_000)
        while try readMore(until: deadline) {}
        guard Date() < deadline else { throw Timeout(what: "its end", screen: screen.text) }
        var result: Int32 = 0
        waitpid(processID, &result, 0)
        let status = result & 0x7f == 0 ? (result >> 8) & 0xff : 128 + result & 0x7f
        self.status = status
        return status
    }

    /// Waits until the program is stopped.
    public func waitUntilStopped() -> Bool {
        var result: Int32 = 0
        waitpid(processID, &result, WUNTRACED)
        return result & 0xff == 0x7f
    }

    /// False when the time is over, or the program has ended.
    private func readMore(until deadline: Date) throws -> Bool {
        var waited = pollfd(fd: terminal, events: Int16(POLLIN), revents: 0)
        let left = max(0, deadline.timeIntervalSinceNow * 1_000)
        guard poll(&waited, 1, Int32(left)) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(terminal, &buffer, buffer.count)
        guard count > 0 else { return false }
        screen.show(buffer[..<count])
        return true
    }

    public struct Timeout: Error, CustomStringConvertible {
        let what, screen: String
        public var description: String { "waited in vain: \(what)\n--- screen\n\(screen)" }
    }

    deinit {
        if status == nil {
            kill(processID, SIGKILL)
            waitpid(processID, nil, 0)
        }
        close(terminal)
    }
}
