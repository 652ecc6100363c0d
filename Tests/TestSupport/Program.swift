import Foundation

/// One of the project's own executables, running.
public final class Program {
    private let process = Process()
    /// What it wrote to stderr (and stdout, for services).
    public let logPath: String

    public var processID: Int32 { process.processIdentifier }
    public var isRunning: Bool { process.isRunning }

    /// Where the build put the executables: beside the test bundle.
    public static var directory: String {
        let bundle = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0])
            .resolvingSymlinksInPath()
        return bundle.deletingLastPathComponent().path
    }

    public init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], log: String
    ) throws {
        logPath = log
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        guard let handle = FileHandle(forWritingAtPath: log) else { throw POSIXError(.EIO) }
        handle.seekToEndOfFile()
        // A path of its own means itself: a shell that sets limits before it becomes the program.
        let path = name.hasPrefix("/") ? name : Program.directory + "/" + name
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
    }

    public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Ends it at once and waits until it is gone.
    public func kill9() {
        signal(SIGKILL)
        process.waitUntilExit()
    }

    /// Asks it to end, waits, and returns its exit status.
    @discardableResult
    public func stop() -> Int32 {
        signal(SIGTERM)
        process.waitUntilExit()
        return process.terminationStatus
    }

    @discardableResult
    public func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    public var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    deinit {
        if process.isRunning { kill9() }
    }

    /// Runs a program to its end.
    public static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        input: String? = nil
    ) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        let path = name.hasPrefix("/") ? name : Program.directory + "/" + name
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let directory = try TemporaryDirectory()
        for file in ["in", "out", "err"] {
            _ = FileManager.default.createFile(
                atPath: directory(file), contents: file == "in" ? Data((input ?? "").utf8) : nil)
        }
        process.standardInput = FileHandle(forReadingAtPath: directory("in"))
        process.standardOutput = FileHandle(forWritingAtPath: directory("out"))
        process.standardError = FileHandle(forWritingAtPath: directory("err"))
        try process.run()
        process.waitUntilExit()
        func text(_ file: String) -> String {
            String(
                decoding: FileManager.default.contents(atPath: directory(file)) ?? Data(),
                as: UTF8.self)
        }
        return (process.terminationStatus, text("out"), text("err"))
    }
}
