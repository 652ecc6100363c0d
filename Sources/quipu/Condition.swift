import ArgumentParser
import QuipuProtocol

/// One `--where`: members of the protocol's `where`.
struct Condition: ExpressibleByArgument, Equatable {
    var members: [JSON.Member]

    /// Columns whose values are text, even where they look like numbers. `status` is none of them:
    /// its words look like nothing else, and `null` is the one that stands for no status.
    private static let textColumns: Set<String> = [
        "kind", "name", "session", "task", "agent", "error", "source", "host",
    ]

    /// Longer operators first, so that `>=` is not read as `>`.
    private static let operators: [(text: String, word: String?)] = [
        ("!=", "not"), (">=", "gte"), ("<=", "lte"), ("=", nil), (">", "gt"), ("<", "lt"),
        ("~", "like"),
    ]

    init?(argument: String) {
        if argument.first == "{" {
            guard let object = try? JSON.parse(argument.utf8), let members = object.members else {
                return nil
            }
            self.members = members
            return
        }
        guard let (path, word, text) = Condition.split(argument), !path.isEmpty else { return nil }
        let value =
            word == "like" || Condition.textColumns.contains(path)
            ? JSON.string(text) : JSON.typed(text)
        members = [JSON.Member(path, word.map { .object([JSON.Member($0, value)]) } ?? value)]
    }

    /// At the first operator.
    private static func split(_ argument: String) -> (path: String, word: String?, text: String)? {
        for index in argument.indices {
            let rest = argument[index...]
            for (text, word) in operators where rest.hasPrefix(text) {
                return (String(argument[..<index]), word, String(rest.dropFirst(text.count)))
            }
        }
        return nil
    }

    init(members: [JSON.Member]) { self.members = members }

    /// All conditions as one object: comparisons of one path together, values of one path as a
    /// list.
    static func join(_ conditions: [Condition]) -> JSON {
        var joined: [JSON.Member] = []
        for member in conditions.flatMap(\.members) {
            guard let index = joined.firstIndex(where: { $0.name == member.name }) else {
                joined.append(member)
                continue
            }
            let before = joined[index].value
            if case .object(let comparisons) = before, case .object(let more) = member.value {
                joined[index].value = .object(comparisons + more)
            } else {
                joined[index].value = .array(list(before) + list(member.value))
            }
        }
        return .object(joined)
    }

    private static func list(_ value: JSON) -> [JSON] { value.array ?? [value] }
}
