/// Counts with their nouns, as they are told to a person.
public enum Plural {
    /// `1 call`, `2 calls`
    public static func of(_ count: some BinaryInteger, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    /// With the verb that goes with it: `1 call is`, `2 calls are`.
    public static func of(
        _ count: some BinaryInteger, _ noun: String, _ one: String, _ many: String
    ) -> String {
        "\(of(count, noun)) \(word(count, one, many))"
    }

    /// The word that goes with the count: `is` or `are`.
    public static func word(_ count: some BinaryInteger, _ one: String, _ many: String) -> String {
        count == 1 ? one : many
    }
}
