import Glibc

public struct TerminalSize: Sendable, Equatable {
    public var columns: Int
    public var rows: Int

    public init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
    }
}

/// The terminal that this process was started at.
public enum Terminal {
    /// Nil when the descriptor is none, or the terminal does not know.
    public static func size(_ descriptor: Int32 = 1) -> TerminalSize? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0,
            size.ws_col > 0, size.ws_row > 0
        else { return nil }
        return TerminalSize(columns: Int(size.ws_col), rows: Int(size.ws_row))
    }

    /// Stops this process and those that were started with it, as Ctrl-Z does; returns when they go
    /// on. Where no shell is there to let them go on, nothing happens.
    public static func suspend() { kill(0, SIGTSTP) }
}

/// A terminal that hands over each key as it is pressed and shows none of them. It is as it was
/// before once its owner goes.
public struct RawTerminal: ~Copyable {
    private let descriptor: Int32
    private let before: termios
    private let raw: termios

    /// - Parameter descriptor: stays the caller's.
    public init(_ descriptor: Int32 = 0) throws(SystemError) {
        var before = termios()
        guard tcgetattr(descriptor, &before) == 0 else { throw .current("tcgetattr") }
        var raw = before
        cfmakeraw(&raw)
        try RawTerminal.set(raw, descriptor)
        self.descriptor = descriptor
        self.before = before
        self.raw = raw
    }

    /// Makes the terminal so again, after others had it.
    public borrowing func retake() throws(SystemError) { try RawTerminal.set(raw, descriptor) }

    private static func set(
        _ settings: termios, _ descriptor: Int32, _ when: Int32 = TCSANOW
    ) throws(SystemError) {
        var settings = settings
        guard tcsetattr(descriptor, when, &settings) == 0 else { throw .current("tcsetattr") }
    }

    /// Keys that were pressed, as the bytes that they send; none at the end of the terminal. Waits
    /// for the first.
    public borrowing func keys() throws(SystemError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count >= 0 { return Array(buffer[..<count]) }
            // Its window was closed.
            if errno == EIO { return [] }
            if errno != EINTR { throw .current("read") }
        }
    }

    deinit {
        // Keys that nobody read are not for who reads next. A terminal that is gone needs nothing.
        try? RawTerminal.set(before, descriptor, TCSAFLUSH)
    }
}
