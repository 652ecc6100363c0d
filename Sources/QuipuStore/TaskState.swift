import QuipuModel

/// When something was said, and by which line: of two, the later one holds, in whichever order they
/// are told.
struct TaskStamp: Comparable {
    static let never = TaskStamp(time: .min, line: .min)

    var time: Int64
    var line: Int64

    init(time: Int64, line: Int64) {
        self.time = time
        self.line = line
    }

    /// Lines of one source by their place in it.
    init(time: Timestamp, source: Int64, offset: UInt64) {
        self.time = time.microseconds
        line = source << 40 | Int64(clamping: min(offset, 1 << 40 - 1))
    }

    static func < (left: TaskStamp, right: TaskStamp) -> Bool {
        (left.time, left.line) < (right.time, right.line)
    }
}

/// What one line says of a task, with its texts read.
struct TaskDelta {
    var stamp: TaskStamp
    var status: TaskStatus?
    var statusIsImplied = false
    var created: Timestamp?
    var texts: [TaskField: String] = [:]
}

/// A task as all changes so far make it. Each member is what the latest line said of it, so that
/// the order in which lines are told, and how often, makes no difference.
struct TaskState {
    var status = TaskStatus.pending
    var created: Int64 = .max
    var updated: Int64 = .min
    var started: Int64?
    var texts = [String?](repeating: nil, count: TaskField.allCases.count)
    private var statusStamp = TaskStamp.never
    private var stamps = [TaskStamp](repeating: .never, count: TaskField.allCases.count)

    init() {}

    var ended: Int64? { status.isEnd ? statusStamp.time : nil }

    mutating func apply(_ delta: TaskDelta) {
        let time = delta.stamp.time
        created = min(created, time, delta.created?.microseconds ?? .max)
        updated = max(updated, time)
        if delta.status == .running { started = min(started ?? .max, time) }
        for (field, text) in delta.texts where stamps[field.rawValue] <= delta.stamp {
            texts[field.rawValue] = text
            stamps[field.rawValue] = delta.stamp
        }
        guard let status = delta.status else { return }
        // What was only implied holds where nobody ever said anything.
        let stamp = delta.statusIsImplied ? TaskStamp(time: .min, line: .min + 1) : delta.stamp
        let isLater =
            (statusStamp.time, Self.rank(self.status), statusStamp.line)
            < (stamp.time, Self.rank(status), stamp.line)
        if isLater {
            self.status = status
            statusStamp = stamp
        }
    }

    /// Clocks that only tell seconds say of two changes that they are of one moment: then that one
    /// holds that is further on.
    private static func rank(_ status: TaskStatus) -> Int {
        switch status {
        case .pending: 0
        case .running: 1
        case .completed, .failed, .stopped: 2
        }
    }

    // MARK: Stamps as bytes

    private static let stampBytes = 16

    var stampData: [UInt8] {
        var bytes: [UInt8] = []
        for stamp in stamps + [statusStamp] {
            for value in [stamp.time, stamp.line] {
                withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
            }
        }
        return bytes
    }

    /// What is missing or too short was never said.
    mutating func readStamps(_ bytes: UnsafeRawBufferPointer) {
        func stamp(_ index: Int) -> TaskStamp {
            let start = index * Self.stampBytes
            guard start + Self.stampBytes <= bytes.count else { return .never }
            func value(_ offset: Int) -> Int64 {
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            }
            return TaskStamp(time: value(start), line: value(start + 8))
        }
        for index in stamps.indices { stamps[index] = stamp(index) }
        statusStamp = stamp(stamps.count)
    }
}
