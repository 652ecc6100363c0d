/// A task as it stands.
public struct TaskSummary: Sendable, Equatable {
    /// The row's id, which cursors name.
    public var id: Int64
    public var task: String
    public var status: TaskStatus
    public var created: Timestamp
    public var updated: Timestamp
    /// When it first ran; nil when nobody said.
    public var started: Timestamp?
    /// When it got the status that it ended with.
    public var ended: Timestamp?
    /// By `TaskField`.
    public var texts: [TaskField: String]

    public init(
        id: Int64, task: String, status: TaskStatus, created: Timestamp, updated: Timestamp,
        started: Timestamp?, ended: Timestamp?, texts: [TaskField: String]
    ) {
        self.id = id
        self.task = task
        self.status = status
        self.created = created
        self.updated = updated
        self.started = started
        self.ended = ended
        self.texts = texts
    }
}

/// Tasks by status.
public struct TaskCounts: Sendable, Equatable {
    private var counts = [Int](repeating: 0, count: 1 + TaskStatus.allCases.count)

    public init() {}

    public subscript(status: TaskStatus) -> Int {
        get { counts[Int(status.rawValue)] }
        set { counts[Int(status.rawValue)] = newValue }
    }

    public var total: Int { counts.reduce(0, +) }

    /// 100 · completed / (completed + failed); nil when none ended so.
    public var successRatePercent: Double? {
        let ended = self[.completed] + self[.failed]
        return ended == 0 ? nil : 100 * Double(self[.completed]) / Double(ended)
    }
}

/// `tasks.list`: tasks that changed in the range.
public struct TaskQuery: Sendable {
    public var range: TimeRange
    /// Nil: any.
    public var status: TaskStatus?
    public var filters: [Filter]
    public var page: PageRequest

    public init(
        range: TimeRange, status: TaskStatus? = nil, filters: [Filter] = [],
        page: PageRequest = PageRequest()
    ) {
        self.range = range
        self.status = status
        self.filters = filters
        self.page = page
    }
}

/// A page of tasks, and how many there are of each status, on all pages and of any status.
public struct TaskPage: Sendable {
    public var page: Page<TaskSummary>
    public var counts: TaskCounts

    public init(page: Page<TaskSummary>, counts: TaskCounts) {
        self.page = page
        self.counts = counts
    }
}

/// One line of a task's log.
public struct TaskActivity: Sendable, Equatable {
    public var seq: Int64
    public var time: Timestamp
    public var task: String?
    /// `task` or `agent_status`.
    public var kind: String
    public var name: String?
    public var agent: String?
    public var session: String?
    /// As the line said it.
    public var status: String?
    public var message: String?
    public var error: String?

    public init(
        seq: Int64, time: Timestamp, task: String?, kind: String, name: String?, agent: String?,
        session: String?, status: String?, message: String?, error: String?
    ) {
        self.seq = seq
        self.time = time
        self.task = task
        self.kind = kind
        self.name = name
        self.agent = agent
        self.session = session
        self.status = status
        self.message = message
        self.error = error
    }
}

/// `tasks.activity`: what happened to tasks, newest first.
public struct ActivityQuery: Sendable {
    public var range: TimeRange
    /// Nil: all.
    public var task: String?
    public var page: PageRequest

    public init(range: TimeRange, task: String? = nil, page: PageRequest = PageRequest()) {
        self.range = range
        self.task = task
        self.page = page
    }
}

/// `tasks.get`.
public struct TaskDetailQuery: Sendable {
    public var task: String
    /// Whose task, where sessions number their tasks.
    public var session: String?
    /// At most so many of each list, the newest.
    public var limit: Int

    public init(task: String, session: String? = nil, limit: Int = Limits.rowsPerReplyDefault) {
        self.task = task
        self.session = session
        self.limit = limit
    }
}

/// A task with all that happened for it. Lists are oldest first and end with the newest.
public struct TaskDetail: Sendable {
    public var summary: TaskSummary
    public var activity: [TaskActivity] = []
    public var activityCount = 0
    public var tools: [ToolStatistics] = []
    public var timeline: [Event] = []
    public var toolCount = 0
    public var documents: [DocumentSummary] = []

    public init(_ summary: TaskSummary) { self.summary = summary }
}

/// The figures of a dashboard's footer.
public struct Overview: Sendable, Equatable {
    public var errors = 0
    /// All tasks, whatever their age.
    public var tasks = TaskCounts()
    public var toolCalls = 0
    /// By state.
    public var sessions: [SessionState: Int] = [:]
    public var requests = 0
    /// Requests whose model has no known price.
    public var unpricedRequests = 0
    /// Nil when nothing that was priced is in the range.
    public var costUSD: Double?

    public init() {}
}
