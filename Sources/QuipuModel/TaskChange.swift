/// Where a task stands.
public enum TaskStatus: UInt8, Sendable, CaseIterable {
    case pending = 1
    case running = 2
    case completed = 3
    case failed = 4
    case stopped = 5

    /// The word on the wire.
    public var word: String {
        switch self {
        case .pending: "pending"
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .stopped: "stopped"
        }
    }

    public init?(word: String) {
        guard let status = TaskStatus.allCases.first(where: { $0.word == word }) else {
            return nil
        }
        self = status
    }

    /// Nothing more is expected of the task.
    public var isEnd: Bool { self != .pending && self != .running }
}

/// What is known of a task as text. The raw value is its place in what is stored.
public enum TaskField: Int, Sendable, CaseIterable {
    case name = 0
    case description, user, session, model, workspace, agentType, phase, phaseNumber, result, error
    /// The last line of its activity.
    case message

    /// The member's name on the wire.
    public var word: String {
        switch self {
        case .name: "name"
        case .description: "description"
        case .user: "user"
        case .session: "session"
        case .model: "model"
        case .workspace: "workspace"
        case .agentType: "agent_type"
        case .phase: "phase"
        case .phaseNumber: "phase_number"
        case .result: "result"
        case .error: "error"
        case .message: "message"
        }
    }
}

/// What one line says of a task. Slices point into the batch's `bytes`; `none` where the line says
/// nothing of it.
public struct TaskChange: Sendable {
    public var lineOffset: UInt64 = 0
    public var time = Timestamp(microseconds: 0)
    public var task = Slice.none
    /// The id is a number that the session gave, and means another task in another session.
    public var isOfSession = false
    /// The same where the store knows already whose task is meant: its id for the session.
    public var scope: Int64 = 0
    public var status: TaskStatus?
    /// The status follows from what happened and was not said: it yields to any that was.
    public var statusIsImplied = false
    /// When the task was made, where the line says so.
    public var created: Timestamp?
    private var texts = InlineArray<12, Slice>(repeating: .none)

    public init() {}

    public subscript(field: TaskField) -> Slice {
        get { texts[field.rawValue] }
        set { texts[field.rawValue] = newValue }
    }
}
