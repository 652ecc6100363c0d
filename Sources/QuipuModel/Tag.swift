/// One tag of a series.
public struct Tag: Sendable, Hashable {
    public var key: String
    /// Empty for a bare tag.
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

extension Tag {
    /// Tags from their canonical text (`SeriesKey.tags`).
    public static func parse(_ text: String) -> [Tag] {
        text.split(separator: ",").map { part in
            guard let colon = part.firstIndex(of: ":") else {
                return Tag(key: String(part), value: "")
            }
            return Tag(
                key: String(part[..<colon]), value: String(part[part.index(after: colon)...]))
        }
    }
}
