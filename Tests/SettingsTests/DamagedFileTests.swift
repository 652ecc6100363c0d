import Foundation
import Settings
import TestSupport
import Testing

/// Whatever is in a configuration file, it is read or refused; no file ends the process.
@Suite struct DamagedFileTests {
    private static let whole = """
        # A comment.
        watch:
          - /home/*/.claude/projects/**/*.jsonl
          - "~/logs/*.jsonl"
        rescan_seconds: 10
        metrics: {dialect: statsd, mode: "0660"}
        udp:
          listen: 127.0.0.1:8125
          anywhere: false
        persistence: true
        redaction:
          enabled: yes
          keys: [pin, tax_number]
        payload_max_bytes: 262144
        retention:
          events_days: 30
          metrics_10s_hours: 48
          database_max_bytes: 4294967296
        """

    /// What means something in YAML, or is hard to read.
    private static let pieces = [
        "&a ", "*a", "<<: *a", "- ", "? ", ": ", "{", "}", "[", "]", "|\n", ">-\n", "!!binary ",
        "!!int ", "%YAML 1.3\n", "---\n", "...\n", "\t", "\0", "\u{feff}", "\u{fffe}", "#", "\"",
        "'", "\\x", "\\U0010ffff", "99999999999999999999", "-1", "1e400", ".inf", ".nan", "0x7f",
        "0o7", "~", "null", "2026-11-21", "=", "\n", "\r", "\n\n", "    ", "watch:", "\u{85}",
    ]

    private static func damaged(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes = Array(whole.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            case 2: bytes.insert(.random(in: 0...255, using: &random), at: place)
            default: bytes.insert(contentsOf: Array(random.pick(pieces).utf8), at: place)
            }
        }
        return bytes
    }

    private static func read(_ bytes: [UInt8], in directory: TemporaryDirectory) async throws
        -> Bool
    {
        let path = directory("quipu.yaml")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        do throws(SettingsError) {
            let layers = try await Layers(
                flags: [:], environment: [:], file: path, mayBeMissing: false)
            _ = try AgentSettings(layers)
            _ = try DaemonSettings(layers)
            return true
        } catch {
            #expect(!error.description.isEmpty)
            return false
        }
    }

    /// A file without a setting is no configuration, which is a valid one.
    @Test(arguments: ["", "\n", "# only this\n\n  # and this", "---\n", "--- \n#", "\t\r\n"])
    func anEmptyFileSaysNothing(_ text: String) async throws {
        let directory = try TemporaryDirectory()
        #expect(try await Self.read(Array(text.utf8), in: directory))
    }

    @Test func isReadOrRefused() async throws {
        let directory = try TemporaryDirectory()
        #expect(try await Self.read(Array(Self.whole.utf8), in: directory))
        var random = SeededGenerator()
        var readCount = 0
        for round in 0..<400 {
            let bytes = Self.damaged(&random)
            // What ended the process is then what stands in this file.
            readCount += try await Self.read(bytes, in: directory) ? 1 : 0
            if round == 399 {
                #expect((1..<400).contains(readCount), "seed \(random.seed)")
            }
        }
    }

    @Test(arguments: [
        String(repeating: "[", count: 20_000), String(repeating: "{a: ", count: 20_000),
        String(repeating: "- ", count: 20_000), String(repeating: "? ", count: 20_000),
        "a: &a [1]\nb: &b [*a, *a]\nc: *missing\n", "a: &a\n  b: *a\n",
        String(repeating: "x", count: 1 << 20) + ": 1\n", "watch: 1\nwatch: 2\n",
    ])
    func whatIsDeepOrLongIsReadOrRefused(_ text: String) async throws {
        let directory = try TemporaryDirectory()
        _ = try await Self.read(Array(text.utf8), in: directory)
    }
}
