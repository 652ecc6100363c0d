import Foundation
import QuipuProtocol

/// The files that the generator writes: text by path, in the order in which it is told.
struct Files {
    private var lines: [String: [UInt8]] = [:]
    private var arrays: [String: [JSON]] = [:]
    private(set) var lineCount = 0
    private(set) var elementCount = 0

    mutating func line(_ path: String, _ json: JSON) {
        lines[path, default: []] += json.bytes
        lines[path, default: []].append(0x0a)
        lineCount += 1
    }

    /// An element of a JSON array, as hooks rewrite it with every event.
    mutating func element(_ path: String, _ json: JSON) {
        arrays[path, default: []].append(json)
        elementCount += 1
    }

    func write(to directory: String) throws {
        for (path, bytes) in lines { try Files.write(bytes, directory + "/" + path) }
        for (path, elements) in arrays {
            let objects = try elements.map {
                try JSONSerialization.jsonObject(with: Data($0.bytes))
            }
            let data = try JSONSerialization.data(
                withJSONObject: objects, options: [.prettyPrinted, .sortedKeys])
            try Files.write([UInt8](data), directory + "/" + path)
        }
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }
}
