import Foundation
import Testing

/// The files below Tests/Fixtures/Intake.
enum Fixtures {
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/Intake")

    /// Every log, by its path below `root`.
    static let logs: [String] = {
        let found = FileManager.default.enumerator(atPath: root.path())
        return (found?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".jsonl") }
            .sorted()
    }()

    static func read(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: root.appending(path: path)))
    }
}
