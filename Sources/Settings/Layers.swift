internal import Configuration
internal import SystemPackage

/// A setting that cannot be read: which, from where, and what was expected.
public struct SettingsError: Error, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

/// Settings by key from their layers: flags beat the environment (`QUIPU_` and the key's path in
/// capitals), which beats the file, which beats the defaults.
public struct Layers: Sendable {
    /// A longer file has more than comments.
    private static let emptyBytesMax = 64 << 10

    private let providers: [(name: String, provider: any ConfigProvider)]

    /// - Parameters:
    ///   - flags: What the command line said, by key.
    ///   - environment: The process's environment; only `QUIPU_…` is looked at.
    ///   - file: Path of the YAML file.
    ///   - mayBeMissing: True for the default path; a file that was asked for by name must be
    ///     there.
    public init(
        flags: [String: Flag], environment: [String: String], file: String?, mayBeMissing: Bool
    ) async throws(SettingsError) {
        var providers: [(String, any ConfigProvider)] = []
        if !flags.isEmpty {
            var values: [AbsoluteConfigKey: ConfigValue] = [:]
            for (key, flag) in flags { values[Layers.absolute(key)] = flag.value }
            providers.append(("the command line", InMemoryProvider(values: values)))
        }
        var variables: [String: String] = [:]
        for (name, value) in environment where name.hasPrefix("QUIPU_") {
            variables[String(name.dropFirst(6))] = value
        }
        providers.append(
            ("the environment", EnvironmentVariablesProvider(environmentVariables: variables)))
        if let file, !Layers.isEmpty(file) {
            do {
                let provider = try await FileProvider<YAMLSnapshot>(
                    filePath: FilePath(file), allowMissing: mayBeMissing)
                providers.append((file, provider))
            } catch {
                throw SettingsError("cannot read the configuration \(file): \(error)")
            }
        }
        self.providers = providers
    }

    public enum Flag: Sendable {
        case string(String)
        case bool(Bool)
        case strings([String])

        fileprivate var value: ConfigValue {
            switch self {
            case .string(let value): ConfigValue(.string(value), isSecret: false)
            case .bool(let value): ConfigValue(.bool(value), isSecret: false)
            case .strings(let values): ConfigValue(.stringArray(values), isSecret: false)
            }
        }
    }

    /// Nothing, or comments only: no configuration, which is a valid one. False for what cannot be
    /// read: the provider tells what is wrong with it.
    private static func isEmpty(_ file: String) -> Bool {
        var bytes = [UInt8](repeating: 0, count: emptyBytesMax)
        guard let descriptor = try? FileDescriptor.open(FilePath(file), .readOnly),
            let count = try? descriptor.closeAfter({
                try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            }), count < emptyBytesMax
        else { return false }
        return bytes[..<count].split { $0 == 0x0a || $0 == 0x0d }.allSatisfy { line in
            func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            var text = line.drop(while: isSpace)
            if text.starts(with: "---".utf8) { text = text.dropFirst(3).drop(while: isSpace) }
            return text.isEmpty || text.starts(with: "#".utf8)
        }
    }

    private static func absolute(_ key: String) -> AbsoluteConfigKey {
        AbsoluteConfigKey(key.split(separator: ".").map(String.init))
    }

    private func content(_ key: String, _ type: ConfigType) throws(SettingsError) -> ConfigContent?
    {
        for (name, provider) in providers {
            do {
                if let found = try provider.value(forKey: Self.absolute(key), type: type).value {
                    return found.content
                }
            } catch {
                throw SettingsError("\(key) in \(name): expected \(Self.word(type))")
            }
        }
        return nil
    }

    private static func word(_ type: ConfigType) -> String {
        switch type {
        case .int: "a whole number"
        case .bool: "true or false"
        case .stringArray: "a list of strings"
        default: "a string"
        }
    }

    func string(_ key: String) throws(SettingsError) -> String? {
        if case .string(let value)? = try content(key, .string) { value } else { nil }
    }

    func strings(_ key: String) throws(SettingsError) -> [String]? {
        if case .stringArray(let values)? = try content(key, .stringArray) { values } else { nil }
    }

    func bool(_ key: String) throws(SettingsError) -> Bool? {
        if case .bool(let value)? = try content(key, .bool) { value } else { nil }
    }

    func int(_ key: String, in range: ClosedRange<Int>) throws(SettingsError) -> Int? {
        guard case .int(let value)? = try content(key, .int) else { return nil }
        guard range.contains(value) else {
            throw SettingsError(
                "\(key): \(value) is outside \(range.lowerBound)…\(range.upperBound)")
        }
        return value
    }

    func word<Word: RawRepresentable<String> & CaseIterable>(
        _ key: String, as type: Word.Type
    ) throws(SettingsError) -> Word? {
        guard let text = try string(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingsError("\(key): \"\(text)\" is none of \(words)")
        }
        return word
    }
}
