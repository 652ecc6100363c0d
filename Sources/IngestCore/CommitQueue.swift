import QuipuModel

/// Which batches go into one commit, and when: whichever comes first, `Limits.commitDelayMs` after
/// the first or `Limits.commitBytes` of them. A pure state machine; one run of commits at a time.
public struct CommitQueue<Entry, Question> {
    /// What its owner has to do now.
    public enum Signal: Equatable, Sendable {
        case none
        /// Start a run: take `next` until it gives nothing.
        case run
        /// Call `timerFired` after `Limits.commitDelayMs`.
        case startTimer
    }

    /// One commit, and the questions that come after it.
    public struct Round {
        public var entries: [Entry]
        public var bytes: Int
        public var questions: [Question]
    }

    private var entries: [Entry] = []
    private var questions: [Question] = []
    /// Bytes of what waits and of what is being committed.
    public private(set) var bytes = 0
    public private(set) var isDraining = false
    private var isRunning = false
    /// A run's first round does not wait for more.
    private var isFirst = false
    private var isTimed = false
    /// Bytes of what waits.
    private var waiting = 0

    public init() {}

    public var count: Int { entries.count }
    public var isIdle: Bool { !isRunning && entries.isEmpty }
    /// One batch is always admitted, however large.
    public var hasRoom: Bool { bytes < Limits.ingestQueueBytesMax }

    public mutating func add(_ entry: Entry, bytes: Int) -> Signal {
        entries.append(entry)
        self.bytes += bytes
        waiting += bytes
        return schedule()
    }

    /// Something to do between two commits, after everything queued before it.
    public mutating func ask(_ question: Question) -> Signal {
        questions.append(question)
        return wake()
    }

    public mutating func timerFired() -> Signal {
        guard isTimed else { return .none }
        return wake()
    }

    /// What waits is committed without delay from now on.
    public mutating func drain() -> Signal {
        isDraining = true
        return wake()
    }

    /// The next round of a run; nil when the run is over, and then `ended` says what to do.
    public mutating func next() -> Round? {
        // What came in meanwhile waits for its own delay, unless it is a group already.
        let isDue =
            isFirst || !questions.isEmpty || isDraining || bytes >= Limits.commitAgainBytes
        guard isDue, !entries.isEmpty || !questions.isEmpty else { return nil }
        isFirst = false
        let round = Round(entries: entries, bytes: waiting, questions: questions)
        entries = []
        waiting = 0
        questions = []
        return round
    }

    /// A round's batches are in the database, or are not and will not be.
    public mutating func committed(_ bytes: Int) { self.bytes -= bytes }

    public mutating func ended() -> Signal {
        isRunning = false
        return entries.isEmpty ? .none : schedule()
    }

    private mutating func schedule() -> Signal {
        if isDraining || bytes >= Limits.commitBytes { return wake() }
        guard !isTimed, !isRunning else { return .none }
        isTimed = true
        return .startTimer
    }

    private mutating func wake() -> Signal {
        isTimed = false
        guard !isRunning else { return .none }
        isRunning = true
        isFirst = true
        return .run
    }
}
