import Foundation
import Platform
import QuipuModel
import TestSupport
import Testing

@testable import AgentCore

/// Tailer, link and a fake daemon on one thread and a clock of their own, over real files and
/// inotify.
final class TailingHarness {
    let directory: TemporaryDirectory
    let daemon: FakeDaemon
    private(set) var link: ShippingLink
    private(set) var tailer: Tailer
    private(set) var nowMs: Int64 = 1_000
    private(set) var reports: [String] = []
    private let globs: GlobSet
    private let openFilesMax: Int
    private let system = MountedAnew()
    /// Scans besides those that are asked for.
    var rescans = true

    private final class Reports { var texts: [String] = [] }
    private let kept = Reports()

    init(_ patterns: [String] = ["**/*.jsonl"], openFilesMax: Int = 64) throws {
        directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: directory("logs"), withIntermediateDirectories: true)
        self.openFilesMax = openFilesMax
        daemon = try FakeDaemon(path: directory("ingest.sock"))
        globs = try GlobSet(
            patterns, environment: [:], workingDirectory: directory.path + "/logs")
        (link, tailer) = try Self.agent(directory, globs, kept, openFilesMax, system)
    }

    private static func agent(
        _ directory: TemporaryDirectory, _ globs: GlobSet, _ reports: Reports,
        _ openFilesMax: Int, _ system: MountedAnew
    ) throws -> (ShippingLink, Tailer) {
        let report: Report = { reports.texts.append($1) }
        let link = try ShippingLink(
            socketPath: directory("ingest.sock"), random: SeededGenerator(seed: 1),
            system: system, report: report)
        let tailer = Tailer(
            globs: globs, host: "test", link: link, openFiles: OpenFiles(filesMax: openFilesMax),
            system: system, notices: try InotifyNotices(), report: report)
        return (link, tailer)
    }

    /// The agent dies at once and another one starts.
    func restartAgent() throws {
        (link, tailer) = try Self.agent(directory, globs, kept, openFilesMax, system)
    }

    /// The disk of everything whose path has `part` has another number from now on.
    func mountAnew(_ part: String = "/") { system.devices[part, default: 0] += 1 }

    /// A second name that seems to be a file of its own on a clone of the disk.
    func clone(_ name: String, to other: String) throws {
        guard Glibc.link(path(name), path(other)) == 0 else { throw POSIXError(.EIO) }
    }

    var texts: [String] { kept.texts }

    func path(_ name: String) -> String { directory("logs/" + name) }

    // MARK: Time

    /// Lets time pass and everything happen that is due.
    func run(ms: Int64 = 300) throws {
        let end = nowMs + ms
        while nowMs < end {
            nowMs += 50
            if rescans || tailer.rescanAtMs == 0, nowMs >= tailer.rescanAtMs {
                tailer.rescan(nowMs: nowMs, everyMs: 10_000)
            }
            tailer.drain(nowMs: nowMs)
            if tailer.hasLingering, nowMs % 1_000 == 0 { tailer.checkLingering(nowMs: nowMs) }
            if nowMs % 5_000 == 0 { link.resumeAll() }
            if nowMs % AgentLimits.settleMs == 0 { link.settleAll() }
            link.connectIfDue(nowMs: nowMs)
            try exchange()
        }
    }

    private func exchange() throws {
        while true {
            var isBusy = link.pump(nowMs: nowMs)
            if try daemon.serve() { isBusy = true }
            for outcome in link.receive(nowMs: nowMs) {
                isBusy = true
                if case .finished(let token, _) = outcome { tailer.finished(token) }
            }
            if !isBusy { return }
        }
    }

    // MARK: Files

    func append(_ text: String, to name: String) throws {
        try write(text, to: name, flags: O_APPEND)
    }

    /// Truncates and writes anew, in place.
    func rewrite(_ text: String, in name: String) throws {
        try write(text, to: name, flags: O_TRUNC)
    }

    private func write(_ text: String, to name: String, flags: Int32) throws {
        let descriptor = open(path(name), O_WRONLY | O_CREAT | flags, 0o644)
        guard descriptor >= 0 else { throw POSIXError(.EIO) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw POSIXError(.EIO)
        }
    }

    func move(_ name: String, to other: String) throws {
        guard rename(path(name), path(other)) == 0 else { throw POSIXError(.EIO) }
    }

    func delete(_ name: String) throws {
        guard unlink(path(name)) == 0 else { throw POSIXError(.EIO) }
    }

    func makeDirectory(_ name: String) throws {
        try FileManager.default.createDirectory(
            atPath: path(name), withIntermediateDirectories: true)
    }

    func inode(_ name: String) -> UInt64 {
        var status = stat()
        return stat(path(name), &status) == 0 ? UInt64(status.st_ino) : 0
    }

    /// Everything that was shipped of the file last seen under that name, as text.
    func text(_ name: String) -> String? {
        daemon.account("/" + name).map { String(decoding: $0.content, as: UTF8.self) }
    }
}
