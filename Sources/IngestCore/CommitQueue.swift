import QuipuModel

/// Which batches go into one commit, and when: whichever comes first, `Limits.commitDelayMs` after
/// the first, `Limits.commitBytes` or `Limits.commitBatches` of them. A pure state machine; one run
/// of commits at a time.
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

    private var entries: [(entry: Entry, bytes: Int)] = []
    private var questions: [Question] = []
    /// Bytes of what waits and of what is being committed.
    public private(set) var bytes = 0
    public private(set) var isDraining = false
    private var isRunning = false
    /// A run's first round does not wait for more.
    private var isFirst = false
    private var isTimed = false

    public init() {}

    public var count: Int { entries.count }
    public var isIdle: Bool { !isRunning && entries.isEmpty }
    /// One batch is always admitted, however large.
    public var hasRoom: Bool { bytes < Limits.ingestQueueBytesMax }

    public mutating func add(_ entry: Entry, bytes: Int) -> Signal {
        entries.append((entry, bytes))
        self.bytes += bytes
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
    ///
    /// - Parameter bytesMax: How much one commit may take where it takes several batches.
    public mutating func next(bytesMax: Int = .max) -> Round? {
        // What came in meanwhile waits for its own delay, unless it is a group already.
        let isDue =
            isFirst || !questions.isEmpty || isDraining || bytes >= Limits.commitAgainBytes
            || entries.count >= Limits.commitBatches
        guard isDue, !entries.isEmpty || !questions.isEmpty else { return nil }
        var count = 0
        var taken = 0
        while count < entries.count, count == 0 || taken + entries[count].bytes <= bytesMax {
            taken += entries[count].bytes
            count += 1
        }
        var round = Round(
            entries: entries[..<count].map(\.entry), bytes: taken, questions: [])
        entries.removeFirst(count)
        // Questions come after all that was queued before them.
        isFirst = !entries.isEmpty
        if !isFirst { swap(&round.questions, &questions) }
        return round
    }

    /// A round's batches are in the database, or are not and will not be.
    public mutating func committed(_ bytes: Int) { self.bytes -= bytes }

    public mutating func ended() -> Signal {
        isRunning = false
        return entries.isEmpty ? .none : schedule()
    }

    private mutating func schedule() -> Signal {
        if isDraining || bytes >= Limits.commitBytes || entries.count >= Limits.commitBatches {
            return wake()
        }
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
