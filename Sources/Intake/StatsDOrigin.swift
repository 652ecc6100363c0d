internal import QuipuModel

/// The fields of a DogStatsD line that tell its origin. Their words become tags where that is
/// configured; otherwise they are read and left aside, as the Datadog agent does.
struct StatsDOrigin {
    private var container = Bytes(start: nil, count: 0)
    private var external = Bytes(start: nil, count: 0)
    private var cardinality = Bytes(start: nil, count: 0)

    /// False when the field is another one.
    mutating func take(_ field: Bytes) -> Bool {
        if field.hasPrefix("c:") {
            container = field.part(2, field.count)
        } else if field.hasPrefix("e:") {
            external = field.part(2, field.count)
        } else if field.hasPrefix("card:") {
            cardinality = field.part(5, field.count)
        } else {
            return false
        }
        return true
    }

    var isEmpty: Bool { container.isEmpty && external.isEmpty && cardinality.isEmpty }

    /// Writes a line's own tags and those of its origin. Commas separate tags, so within one they
    /// become underscores; what is longer than a tag may be is cut.
    func write(after tags: Bytes, to text: inout [UInt8]) {
        text.removeAll(keepingCapacity: true)
        text.append(contentsOf: tags)
        append("container_id:", container, to: &text)
        append("external_data:", external, to: &text)
        append("cardinality:", cardinality, to: &text)
    }

    private func append(_ key: StaticString, _ value: Bytes, to text: inout [UInt8]) {
        guard !value.isEmpty else { return }
        if !text.isEmpty { text.append(0x2c) }
        text.append(contentsOf: Bytes(key))
        let room = Limits.nameBytesMax - key.utf8CodeUnitCount
        for byte in value.prefixOfWholeCharacters(room) { text.append(byte == 0x2c ? 0x5f : byte) }
    }
}
