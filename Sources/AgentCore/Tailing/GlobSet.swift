/// A glob that cannot be used, and why.
public struct GlobError: Error, Sendable, Equatable, CustomStringConvertible {
    public var glob: String
    public var reason: String
    public var description: String { "\(glob): \(reason)" }
}

/// All watched globs, matched one directory at a time: a directory is a set of states, each says
/// which part of which pattern its entries are held against.
struct GlobSet: Sendable {
    struct State: Hashable, Sendable, Comparable {
        var pattern: Int
        var part: Int

        static func < (left: State, right: State) -> Bool {
            (left.pattern, left.part) < (right.pattern, right.part)
        }
    }

    private enum Part: Hashable {
        case name(GlobPattern)
        /// `**`: this directory and all below, links and hidden ones left out.
        case anyDirectories
    }

    private var patterns: [[Part]] = []
    /// The states of `/`.
    private(set) var start: [State] = []

    /// - Parameters:
    ///   - globs: As the user wrote them.
    ///   - environment: For `$NAME`, `${NAME}` and a leading `~` (`HOME`).
    ///   - workingDirectory: What relative globs are relative to.
    init(
        _ globs: [String], environment: [String: String], workingDirectory: String
    ) throws(GlobError) {
        for glob in globs {
            var path = try Self.expandVariables(glob, environment)
            if !path.hasPrefix("/") { path = workingDirectory + "/" + path }
            guard let alternatives = Self.expandBraces(path) else {
                throw GlobError(
                    glob: glob,
                    reason: "stands for more than \(AgentLimits.globAlternativesMax) patterns")
            }
            for alternative in alternatives {
                let parts = Self.parts(alternative)
                if !parts.isEmpty, !patterns.contains(parts) { patterns.append(parts) }
            }
        }
        start = closure(patterns.indices.map { State(pattern: $0, part: 0) })
    }

    /// What an entry of a directory in `states` is: a file that is watched, and, if it is a
    /// directory, in which states. `isLink`: it is a symbolic link; `**` does not follow those to
    /// directories.
    func advance(
        _ states: [State], name: String, isLink: Bool = false
    ) -> (isWatched: Bool, states: [State]) {
        var isWatched = false
        var below: [State] = []
        for state in states {
            let parts = patterns[state.pattern]
            let isLast = state.part == parts.count - 1
            switch parts[state.part] {
            case .anyDirectories:
                guard !name.hasPrefix(".") else { continue }
                if isLast { isWatched = true }
                if !isLink { below.append(state) }
            case .name(let pattern):
                guard pattern.matches(name) else { continue }
                if isLast {
                    isWatched = true
                } else {
                    below.append(State(pattern: state.pattern, part: state.part + 1))
                }
            }
        }
        return (isWatched, closure(below))
    }

    /// The only names that can match in `states`; nil when others can, too.
    func directoryNames(_ states: [State]) -> [String]? {
        var names: [String] = []
        for state in states {
            let parts = patterns[state.pattern]
            guard case .name(let pattern) = parts[state.part], let literal = pattern.literal,
                state.part < parts.count - 1
            else { return nil }
            if !names.contains(literal) { names.append(literal) }
        }
        return names
    }

    /// Whether entries of a directory in `states` can be watched files.
    func holdsFiles(_ states: [State]) -> Bool {
        states.contains { $0.part == patterns[$0.pattern].count - 1 }
    }

    /// `**` also matches no directory at all: the part after it counts, too.
    private func closure(_ states: [State]) -> [State] {
        var all = Set(states)
        for var state in states {
            while patterns[state.pattern][state.part] == .anyDirectories,
                state.part + 1 < patterns[state.pattern].count
            {
                state.part += 1
                all.insert(state)
            }
        }
        return all.sorted()
    }
}

// MARK: - Reading globs

extension GlobSet {
    private static func parts(_ path: String) -> [Part] {
        var parts: [Part] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
            } else if part != "**" {
                parts.append(.name(GlobPattern(part)))
            } else if parts.last != .anyDirectories {
                parts.append(.anyDirectories)
            }
        }
        return parts
    }

    private static func expandVariables(
        _ glob: String, _ environment: [String: String]
    ) throws(GlobError) -> String {
        func value(_ name: String) throws(GlobError) -> String {
            guard let value = environment[name], !value.isEmpty else {
                throw GlobError(glob: glob, reason: "\(name) is not set")
            }
            return value
        }
        guard !glob.isEmpty else { throw GlobError(glob: glob, reason: "is empty") }
        var output = ""
        var rest = glob[...]
        if rest == "~" || rest.hasPrefix("~/") {
            rest.removeFirst()
            output = try value("HOME")
        }
        while let character = rest.popFirst() {
            guard character == "$" else {
                output.append(character)
                continue
            }
            let isBraced = rest.first == "{"
            if isBraced { rest.removeFirst() }
            let name = rest.prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, !isBraced || rest.popFirst() == "}" else {
                throw GlobError(glob: glob, reason: "has a $ without a name")
            }
            output += try value(String(name))
        }
        return output
    }

    /// `a{b,c}d` as `abd` and `acd`; nil when that gives too many.
    private static func expandBraces(_ text: String) -> [String]? {
        var done: [String] = []
        var open = [text]
        while let next = open.popLast() {
            if let alternatives = firstBraces(next) {
                open += alternatives.reversed()
            } else {
                done.append(next)
            }
            if done.count + open.count > AgentLimits.globAlternativesMax { return nil }
        }
        return done
    }

    /// The text with its first pair of braces that holds a comma replaced by each alternative.
    private static func firstBraces(_ text: String) -> [String]? {
        for start in text.indices where text[start] == "{" {
            var depth = 0
            var commas: [String.Index] = []
            for index in text[start...].indices {
                switch text[index] {
                case "{": depth += 1
                case "}": depth -= 1
                case "," where depth == 1: commas.append(index)
                default: break
                }
                guard depth == 0 else { continue }
                if commas.isEmpty { break }
                return alternatives(text, start, commas + [index])
            }
        }
        return nil
    }

    private static func alternatives(
        _ text: String, _ start: String.Index, _ ends: [String.Index]
    ) -> [String] {
        guard let last = ends.last else { return [text] }
        var from = text.index(after: start)
        return ends.map { end in
            defer { from = text.index(after: end) }
            return String(text[..<start] + text[from..<end] + text[text.index(after: last)...])
        }
    }
}
