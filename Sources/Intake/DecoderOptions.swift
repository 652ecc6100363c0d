public import QuipuModel

/// What a user may decide about reading lines.
public struct DecoderOptions: Sendable {
    /// Whether the fields `c:`, `e:` and `card:` of DogStatsD lines become tags.
    public var keepsOrigin: Bool
    public var redaction = Redaction()
    /// A member of a payload whose value is longer is cut there.
    public var payloadBytesMax = Limits.payloadBytesDefault
    /// Where times that name no zone were written.
    public var zone = ZoneRules.utc
    /// A line that makes a batch's texts longer is rejected. Tests choose less.
    var textBytesMax = Limits.decodedTextBytesMax

    public init(keepsOrigin: Bool = false) { self.keepsOrigin = keepsOrigin }
}

/// What is taken for a secret.
public struct Redaction: Sendable, Equatable {
    public var isEnabled = true
    /// Parts of names, besides those that are always taken for names of secrets.
    public var keys: [String] = []

    public init() {}
}
