import CPlatform
import Glibc

/// Facts about this process and its machine.
public enum ProcessFacts {
    public static var processID: Int32 { getpid() }
    public static var userID: UInt32 { getuid() }

    /// Lets a write to a pipe that nobody reads fail, instead of ending the process.
    public static func reportBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// What this process makes from here on, others may not read, whatever a library asks for.
    public static func keepNewFilesPrivate() { umask(0o077) }

    /// How many descriptors this process may have open.
    public static var descriptorsMax: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 64 }
        return Int(clamping: limit.rlim_cur)
    }
    /// Bytes; nil when /proc does not tell.
    public static var residentBytes: Int64? {
        let bytes = quipu_resident_bytes()
        return bytes < 0 ? nil : bytes
    }

    /// The process's environment. For executables, which hand it down; nothing below them reads it.
    public static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        guard var entry = quipu_environment() else { return variables }
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                let name = String(pair[..<equals])
                variables[name] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }

    /// The machine's own name.
    public static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// What systemd gave the machine for good; nil where it gave none.
    public static func machineID(path: String = "/etc/machine-id") -> [UInt8]? {
        guard let bytes = try? PlainFiles.read(path, bytesMax: 4_096) else { return nil }
        let id = Array(bytes.prefix { $0 > 0x20 })
        return id.isEmpty || id == Array("uninitialized".utf8) ? nil : id
    }

    public static func isTerminal(_ descriptor: Int32 = 1) -> Bool { isatty(descriptor) == 1 }

    /// Columns of the terminal at `descriptor`; nil when it is none.
    public static func terminalColumns(_ descriptor: Int32 = 1) -> Int? {
        Terminal.size(descriptor)?.columns
    }

    /// The numeric id of a group; nil when there is none of that name.
    public static func groupID(named name: String) -> UInt32? {
        getgrnam(name).map { $0.pointee.gr_gid }
    }
}

extension ProcessFacts {
    /// Where this program's own file is; nil when /proc does not tell.
    public static var executablePath: String? {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return String(
            decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Becomes another program; returns only where that fails.
    public static func become(_ path: String, _ arguments: [String]) -> SystemError {
        var vector: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        vector.append(nil)
        defer { for text in vector { free(text) } }
        // Without a slash, as a shell would find it.
        execvp(path, &vector)
        return .current("exec", path: path)
    }
}
