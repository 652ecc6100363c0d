import Foundation
import QuipuModel
import Testing

/// The files below Tests/Fixtures/Intake.
enum Fixtures {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Intake")

    /// Every log, by its path below `root`.
    static let logs: [String] = {
        let found = FileManager.default.enumerator(atPath: root.path())
        return (found?.compactMap { $0 as? String } ?? []).filter {
            $0.hasSuffix(".jsonl") || $0.hasSuffix(".json")
        }.sorted()
    }()

    /// As the agent finds it.
    static func kind(_ path: String, _ bytes: [UInt8]) -> SourceKind {
        path.hasSuffix(".json") || bytes.first == UInt8(ascii: "[") ? .document : .file
    }

    static func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appending(path: path)))
    }
}
