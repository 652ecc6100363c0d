import Platform
import QuipuModel

/// One segment of the spool as a source.
final class SegmentSource: ShippableSource {
    let identity: SourceIdentity
    private let spool: Spool
    private let id: UInt64
    fileprivate var segment: SpoolSegment
    fileprivate var token: SourceToken?

    /// The file's identity is part of the key: a spool that was wiped gives its ids again.
    init(
        _ segment: SpoolSegment, spool: Spool, host: String, system: any AgentSystem
    ) throws(SystemError) {
        let status = try system.status(segment.path, followingLinks: false)
        let id = String(segment.id, radix: 16)
        identity = SourceIdentity(
            host: host, kind: .datagrams, key: "spool:\(id)-\(status.identity.text)",
            path: segment.path)
        self.spool = spool
        self.id = segment.id
        self.segment = segment
    }

    func size() throws(ReadFailure) -> UInt64 { segment.endOffset }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(ReadFailure) -> Int {
        do throws(SpoolError) {
            return try spool.read(segment: id, from: offset, into: buffer)
        } catch {
            throw .spool(error)
        }
    }
}

/// Offers the spool's segments to the link and acknowledges them when the daemon has them.
///
/// What the daemon holds in memory only is not acknowledged to the spool, so that it can be sent
/// again after the daemon's end; unless the spool is half full, then the oldest such segments go.
final class SpoolShipping {
    private let spool: Spool
    private let host: String
    private let link: ShippingLink
    private let system: any AgentSystem
    private let report: Report
    private var sources: [UInt64: SegmentSource] = [:]
    private var idsByToken: [SourceToken: UInt64] = [:]
    /// Segments that the daemon holds in memory only, oldest first.
    private var held: [UInt64] = []
    private var connections = 0
    private let heldBytesMax: UInt64

    init(
        spool: Spool, host: String, link: ShippingLink,
        heldBytesMax: Int = Limits.spoolBytesMax / 2, system: any AgentSystem,
        report: @escaping Report
    ) {
        self.spool = spool
        self.host = host
        self.link = link
        self.system = system
        self.heldBytesMax = UInt64(heldBytesMax)
        self.report = report
    }

    /// Takes the segments as they are now. Also asks the spool to tell of the next change.
    func refresh() {
        offerHeldAgain()
        let segments = spool.segments()
        for segment in segments { offer(segment) }
        let present = Set(segments.map(\.id))
        for (id, source) in sources where !present.contains(id) {
            // Acknowledged to its end while it was open, then sealed; or its file is gone: only the
            // daemon's account is open.
            guard let token = source.token else { continue }
            link.saw(token, size: 0, hasChanged: true)
            if link.end(token, .complete) { forget(token) }
        }
        while spool.figures.bytes > heldBytesMax, let id = held.first {
            held.removeFirst()
            if let source = sources.removeValue(forKey: id) {
                spool.acknowledge(segment: id, through: source.segment.endOffset)
            }
        }
    }

    /// Nothing more is received: the last segment, too, can be finished and go.
    func receivingEnded() {
        spool.sealCurrent()
        refresh()
    }

    private func offer(_ segment: SpoolSegment) {
        let source: SegmentSource
        if let known = sources[segment.id] {
            source = known
            guard source.segment != segment else { return }
            source.segment = segment
        } else {
            do throws(SystemError) {
                source = try SegmentSource(segment, spool: spool, host: host, system: system)
            } catch {
                if error.isMissing { spool.shorten(segment: segment.id, to: 0) }
                report(.warning, "\(error)")
                return
            }
            sources[segment.id] = source
            let token = link.add(source, size: segment.endOffset)
            source.token = token
            idsByToken[token] = segment.id
        }
        guard let token = source.token else { return }
        link.saw(token, size: segment.endOffset, hasChanged: true)
        if segment.isSealed, link.end(token, .complete) { finish(segment.id) }
    }

    /// A daemon that only had them in memory may be another one now.
    private func offerHeldAgain() {
        guard connections != link.connectionCount else { return }
        connections = link.connectionCount
        for id in held { sources[id] = nil }
        held = []
    }

    /// The daemon has everything before `position`; nothing happens for other sources.
    func advanced(_ token: SourceToken, to position: UInt64, isDurable: Bool) {
        guard isDurable, let id = idsByToken[token], let source = sources[id] else { return }
        // A sealed segment goes with its last acknowledgement; the daemon is to close its account
        // first.
        guard !source.segment.isSealed || position < source.segment.endOffset else { return }
        spool.acknowledge(segment: id, through: position)
    }

    /// The daemon has all of a segment and closed its account.
    func finished(_ token: SourceToken, isDurable: Bool) {
        guard let id = idsByToken[token] else { return }
        forget(token, andSource: isDurable)
        if isDurable { finish(id) } else { held.append(id) }
    }

    private func finish(_ id: UInt64) { spool.acknowledge(segment: id, through: .max) }

    private func forget(_ token: SourceToken, andSource: Bool = true) {
        link.remove(token)
        guard let id = idsByToken.removeValue(forKey: token) else { return }
        if andSource { sources[id] = nil } else { sources[id]?.token = nil }
    }
}
