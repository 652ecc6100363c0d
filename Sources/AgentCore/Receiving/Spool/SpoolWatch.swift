/// What the log says of the spool: when its trouble begins and when it ends, and nothing between.
struct SpoolWatch {
    private let directory: String
    /// As of the last look.
    private var last = SpoolFigures()
    /// As of the look before the trouble began; nil without any.
    private var before: SpoolFigures?
    private var hasToldRefusal = false

    init(directory: String) { self.directory = directory }

    /// What to tell a person now.
    mutating func look(_ now: SpoolFigures) -> [(ReportLevel, String)] {
        var told: [(ReportLevel, String)] = []
        let hasFailed = now.failures > last.failures
        let isRefusing = now.isRefusing || now.refusedDatagrams > last.refusedDatagrams
        if now.restorations > last.restorations {
            told.append(
                (
                    .warning,
                    "\(directory) was taken away and is made anew; what it held and was not sent "
                        + "is lost"
                ))
        }
        if now.isCrashSafe != last.isCrashSafe {
            told.append(crashSafety(now.isCrashSafe))
        }
        if hasFailed || isRefusing {
            if before == nil { before = last }
            if isRefusing, !hasToldRefusal {
                told.append((.warning, refusal(now, hasFailed: hasFailed)))
                hasToldRefusal = true
            } else if last.failures == before?.failures, hasFailed, let failure = now.lastFailure {
                told.append((.warning, "the spool has trouble: \(failure)"))
            }
        } else if let before {
            let refused = now.refusedDatagrams - before.refusedDatagrams
            told.append(
                (.info, "the spool is well again; \(refused) datagrams were refused meanwhile"))
            self.before = nil
            hasToldRefusal = false
        }
        last = now
        return told
    }

    private func crashSafety(_ isCrashSafe: Bool) -> (ReportLevel, String) {
        isCrashSafe
            ? (.info, "the file for what was just received is there again")
            : (
                .warning,
                "there is no file in \(directory) for what was just received: a SIGKILL would "
                    + "lose it"
            )
    }

    private func refusal(_ now: SpoolFigures, hasFailed: Bool) -> String {
        let failure = hasFailed ? now.lastFailure : nil
        let why = failure.map { "cannot be written: \($0)" } ?? "is full with \(now.bytes) bytes"
        return "the spool \(why); datagrams are refused, and counted as lost"
    }
}
