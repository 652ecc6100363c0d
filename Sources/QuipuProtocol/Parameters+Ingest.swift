import QuipuModel

extension Parameters {
    private static let offsets: ClosedRange<Int64> = 0...Int64.max

    /// `ingest.open`.
    public mutating func ingestOpen() throws(RPCError) -> IngestOpen {
        let source = try sourceIdentity(try required("source"))
        let size = try requiredInt("size", in: Parameters.offsets)
        let restart = try value("restart").map(Parameters.restart)
        try finish()
        return IngestOpen(source: source, sizeBytes: UInt64(size), restart: restart)
    }

    private func sourceIdentity(_ object: JSON) throws(RPCError) -> SourceIdentity {
        var source = try Parameters.nested(object, path: "source", now: now)
        do throws(RPCError) {
            let host = try source.string("host") ?? SourceIdentity.ownHost
            let kindWord = try source.string("kind") ?? SourceKind.file.rawValue
            guard let kind = SourceKind(rawValue: kindWord) else {
                throw RPCError.invalid("kind", "one of file, document, datagrams")
            }
            let identity = SourceIdentity(
                host: host, kind: kind, key: try source.requiredString("key"),
                path: try source.requiredString("path"),
                formerKey: try source.string("former_key"))
            try source.finish()
            return identity
        } catch {
            throw error.below("source")
        }
    }

    private static func restart(_ object: JSON) throws(RPCError) -> IngestOpen.Restart {
        var restart = try nested(object, path: "restart", now: Timestamp(microseconds: 0))
        do throws(RPCError) {
            guard let cause: IngestOpen.Restart.Cause = try restart.word("cause") else {
                throw RPCError.invalid("cause", "missing")
            }
            let lostBytes = try restart.int("lost_bytes", in: offsets) ?? 0
            let incarnation = try restart.int("incarnation", in: 1...Int64.max)
            let position = try restart.int("position", in: offsets)
            try restart.finish()
            return IngestOpen.Restart(
                cause: cause, lostBytes: UInt64(lostBytes), incarnation: incarnation,
                position: position.map { UInt64($0) })
        } catch {
            throw error.below("restart")
        }
    }

    private static func nested(
        _ object: JSON, path: String, now: Timestamp
    ) throws(RPCError) -> Parameters {
        guard case .object = object else {
            throw .invalid(path, "an object, not \(object.typeName)")
        }
        return Parameters(object, now: now)
    }

    /// How many raw bytes follow a line of `ingest.batch`, told before anything else is checked, so
    /// that a request that is wrong otherwise does not put the stream out of step. Nil when the
    /// line does not say.
    public static func byteCount(of params: JSON) -> Int? {
        params["bytes"]?.int.flatMap {
            (0...Int64(Limits.batchBytesMax)).contains($0) ? Int($0) : nil
        }
    }

    /// `ingest.batch`.
    public mutating func ingestBatch() throws(RPCError) -> IngestBatch {
        let sourceID = try requiredInt("source_id", in: 1...Int64.max)
        let from = try requiredInt("from", in: Parameters.offsets)
        let to = try requiredInt("to", in: Parameters.offsets)
        let bytes = try requiredInt("bytes", in: 0...Int64(Limits.batchBytesMax))
        let size = try int("size", in: Parameters.offsets)
        let headValue = value("head")
        let arrival = try time("arrival")
        let finished = try bool("finished") ?? false
        try finish()
        guard to >= from, to - from == bytes else {
            throw .invalid("bytes", "must be to - from")
        }
        guard bytes > 0 || finished else {
            throw .invalid("bytes", "0 only with finished")
        }
        return IngestBatch(
            sourceID: sourceID, from: UInt64(from), to: UInt64(to), byteCount: Int(bytes),
            sizeBytes: size.map(UInt64.init), head: try headValue.map(Parameters.head),
            arrival: arrival, finished: finished)
    }

    private static func head(_ value: JSON) throws(RPCError) -> SourceHead {
        guard let head = SourceHead(json: value) else {
            throw .invalid(
                "head",
                "bytes (at most \(Limits.headBytes)) and hash (16 hexadecimal digits)")
        }
        return head
    }

    /// `ingest.skip`.
    public mutating func ingestSkip() throws(RPCError) -> IngestSkip {
        let sourceID = try requiredInt("source_id", in: 1...Int64.max)
        let from = try requiredInt("from", in: Parameters.offsets)
        let to = try requiredInt("to", in: Parameters.offsets)
        let lines = try int("lines", in: Parameters.offsets) ?? 1
        let reason: RejectReason? = try word("reason")
        let lost = try string("lost")
        let headValue = value("head")
        try finish()
        guard to > from else { throw .invalid("to", "must be after from") }
        guard lines <= to - from else { throw .invalid("lines", "more than bytes") }
        let why: IngestSkip.Why
        switch (reason, lost) {
        case (let reason?, nil): why = .rejected(reason)
        case (nil, let cause?): why = .lost(cause)
        case (nil, nil): throw .invalid("reason", "missing; either reason or lost")
        case (_?, _?): throw .invalid("lost", "either reason or lost, not both")
        }
        return IngestSkip(
            sourceID: sourceID, from: UInt64(from), to: UInt64(to), lines: UInt64(lines), why: why,
            head: try headValue.map(Parameters.head))
    }
}

extension RPCError {
    /// The same error, its path told from one level further up.
    func below(_ parent: String) -> RPCError {
        var error = self
        error.path = path.map { "\(parent).\($0)" } ?? parent
        return error
    }
}
