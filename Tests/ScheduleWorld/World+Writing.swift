import AgentCore
internal import QuipuModel

/// What applications do to their logs.
extension World {
    private static let names = ["/logs/a.jsonl", "/logs/b.jsonl", "/logs/d/c.jsonl"]

    func write() {
        let path = choices.pick(Self.names)
        guard disk.file(path) != nil else { return create(path) }
        switch choices.below(profile.destroys ? 20 : 15) {
        case 0..<11: append(choices.pick(paths))
        case 11, 12: rotate(path)
        case 13: moveOutside(path)
        case 14: goOn(choices.pick(paths))
        case 15, 16: rewrite(path)
        case 17: replace(path)
        default: delete(path)
        }
    }

    private func create(_ path: String) {
        trace("\(path) is created")
        eras.append(Era())
        _ = disk.create(path, reuse: choices.chance(50), era: eras.count - 1)
        if !paths.contains(path) { paths.append(path) }
        if choices.chance(80) { append(path) }
    }

    /// Some records, of which the end may come later.
    private func append(_ path: String) {
        guard let file = disk.file(path) else { return }
        var bytes = file.unfinished
        let base = file.content.count
        if profile.sharesHead, base == 0, bytes.isEmpty { bytes = Self.sharedLine }
        for _ in 0..<choices.within(1...6) { addRecord(to: &bytes, base, era: file.era) }
        file.unfinished = bytes
        goOn(path)
    }

    /// No record.
    private static let sharedLine =
        Array("{\"is\":\"\(String(repeating: "h", count: Limits.headBytes))\"}\n".utf8)

    /// Writes what was begun, or a part of it.
    private func goOn(_ path: String) {
        guard let file = disk.file(path), !file.unfinished.isEmpty else { return }
        let bytes = file.unfinished
        let count = choices.chance(60) ? bytes.count : 1 + choices.below(bytes.count)
        file.unfinished = Array(bytes[count...])
        trace("\(path): \(count) bytes after \(file.content.count), \(bytes.count - count) later")
        put(bytes[..<count], into: file, path)
    }

    func put(_ bytes: some Collection<UInt8>, into file: DiskFile, _ path: String) {
        // Nobody follows it for longer.
        if file.isOutside, nowMs - file.writtenMs > 50_000 { forget(file) }
        file.writtenMs = nowMs
        disk.append(bytes, to: path)
        eras[file.era].writtenBytes = file.content.count
    }

    private func addRecord(to bytes: inout [UInt8], _ base: Int, era: Int) {
        let number = records.count
        let start = bytes.count
        var isSkipped = false
        let filler = Self.filler(number, choices.below(60))
        switch choices.below(20) {
        case 0..<12: bytes += Array("{\"n\":\(number),\"x\":\"\(filler)\"}\n".utf8)
        case 12: bytes += Array("{\"n\":\(number),\"x\":\"\(filler)\"}\r\n".utf8)
        case 13..<16: bytes += Array("{\n  \"n\":\(number),\n  \"x\":\"\(filler)\"\n}\n".utf8)
        case 16: bytes += Array("\n\0\0\0{\"n\":\(number)}\n".utf8)
        case 17:
            // Torn: its end never comes.
            isSkipped = true
            bytes += Array("{\n  \"n\":\(number),\n".utf8)
        default:
            let limit = profile.bounds.lineBytesMax
            let size = profile.longLines ? choices.below(2 * limit) : 300
            let line = "{\"n\":\(number),\"x\":\"\(Self.filler(number, size))\"}"
            isSkipped = line.utf8.count > limit
            bytes += Array("\(line)\n".utf8)
        }
        let first = bytes[start...].withUnsafeBytes { start + Self.padding($0) }
        let hash = bytes[first...].withUnsafeBytes(RecordText.hash)
        records.append(
            Record(
                hash: hash, era: era, start: base + first, end: base + bytes.count,
                isSkipped: isSkipped))
    }

    /// Of each record its own, so that no two contents are alike in the middle by chance.
    private static func filler(_ number: Int, _ size: Int) -> String {
        let text = "\(number)-"
        return String(repeating: text, count: size / text.count + 1).prefix(size).description
    }

    /// NUL and newlines before a record are no part of it.
    private static func padding(_ bytes: UnsafeRawBufferPointer) -> Int {
        bytes.firstIndex(of: UInt8(ascii: "{")) ?? 0
    }

    private func rotate(_ path: String) {
        rotations += 1
        let newPath = "\(path.dropLast(6))-\(rotations).jsonl"
        trace("\(path) becomes \(newPath)")
        // Who has it not open, and is told only that it went, begins it again under its new name.
        let isFollowed = profile.eventsMax >= 1_000 || profile.openFilesMax > 1
        if let file = disk.file(path), !isFollowed, eras[file.era].isUnnoticed {
            hideBehindSharedHead(file)
        }
        disk.rename(path, to: newPath)
        paths.append(newPath)
    }

    /// To a name that no glob matches: only an agent that knew it follows it.
    private func moveOutside(_ path: String) {
        guard let file = disk.file(path) else { return }
        rotations += 1
        let newPath = "\(path.dropLast(6))-\(rotations).old"
        trace("\(path) becomes \(newPath)")
        let isFollowed = agents.allSatisfy {
            $0.isUp && $0.machine?.notices.hasOverflowed == false && $0.loop != nil
        }
        disk.rename(path, to: newPath)
        file.isOutside = true
        file.writtenMs = nowMs
        if !isFollowed || profile.eventsMax < 1_000 || profile.openFilesMax == 1 {
            forget(file)
        }
        paths.append(newPath)
    }

    /// Truncated and written anew. What was begun is not ended.
    private func rewrite(_ path: String) {
        guard let file = disk.file(path) else { return }
        if choices.chance(60) { settle() }
        trace("\(path) is cut, \(file.content.count) bytes")
        let lines = choices.chance(30) ? file.content.split(separator: 0x0a).map(\.count) : []
        // Else nobody can tell the new content from the old one's growth, if none of it was read.
        let isEmptyForLong = !isInterleaving && !isSettling && choices.chance(30)
        // And what only memory had of the old one, who knows when the database asks for it again?
        let isHidden = profile.sharesHead && profile.memory
        destroy(file, mayBeLost: !isEmptyForLong || isHidden)
        renew(file)
        disk.truncate(path, to: 0)
        let wasSeen = agents[0].isUp
        let isKnown = !profile.memory && agents.count == 1 && wasSeen
        if !isKnown || !agents[0].hasReadAll { hideBehindSharedHead(file) }
        if isEmptyForLong { settle() }
        // Who starts beside an empty file has nothing to ask the daemon about.
        eras[file.era].isUnnoticed = !isEmptyForLong || !wasSeen
        if !lines.isEmpty { appendAlike(lines, file, path) }
        // Also to more than there was.
        for _ in 0..<choices.below(5) { append(path) }
    }

    /// Lines as long as those before: only what they say tells one content from the other.
    private func appendAlike(_ lines: [Int], _ file: DiskFile, _ path: String) {
        var bytes: [UInt8] = []
        for length in lines {
            if bytes.isEmpty, length + 1 == Self.sharedLine.count, profile.sharesHead {
                bytes = Self.sharedLine
                continue
            }
            let number = records.count
            let shortest = "{\"n\":\(number),\"x\":\"\"}"
            guard length >= shortest.utf8.count, length <= profile.bounds.lineBytesMax else {
                // Too long to be stored, and still unlike what was there.
                let isShort = length < shortest.utf8.count
                let filler = isShort ? "" : Self.filler(number, length)
                bytes += isShort ? Array(repeating: 0x20, count: length) : Array(filler.utf8)
                bytes.append(0x0a)
                continue
            }
            let filler = Self.filler(number, length - shortest.utf8.count)
            let record = Array("{\"n\":\(number),\"x\":\"\(filler)\"}".utf8)
            let start = file.content.count + bytes.count
            bytes += record + [0x0a]
            records.append(
                Record(
                    hash: record.withUnsafeBytes(RecordText.hash), era: file.era, start: start,
                    end: file.content.count + bytes.count))
        }
        trace("\(path): \(bytes.count) bytes of as many lines as before")
        put(bytes, into: file, path)
    }

    private func renew(_ file: DiskFile) {
        file.unfinished = []
        file.earlierEras.append(file.era)
        eras.append(Era())
        file.era = eras.count - 1
    }

    /// Another file is renamed over it.
    private func replace(_ path: String) {
        guard let file = disk.file(path) else { return }
        if choices.chance(60) { settle() }
        trace("\(path) is replaced")
        let isHeld = file.openCount > 0
        eras.append(Era())
        _ = disk.create("/logs/new.tmp", reuse: false, era: eras.count - 1)
        append("/logs/new.tmp")
        if !isHeld { destroy(file, mayBeLost: true) }
        eras[file.era].isUnlinked = true
        disk.rename("/logs/new.tmp", to: path)
    }

    private func delete(_ path: String) {
        guard let file = disk.file(path) else { return }
        if choices.chance(60) { settle() }
        trace("\(path) is deleted, \(file.openCount) have it open")
        if file.openCount == 0 { destroy(file, mayBeLost: true) }
        eras[file.era].isUnlinked = true
        disk.remove(path)
        paths.removeAll { $0 == path }
    }

    // MARK: Datagrams

    func send(_ slot: AgentSlot) {
        guard slot.isUp, let spool = slot.spool else { return }
        let number = records.count
        let text = Array("{\"event\":\"e\",\"n\":\(number),\"x\":\"\(choices.below(1_000))\"}".utf8)
        let hash = text.withUnsafeBytes(RecordText.hash)
        records.append(Record(hash: hash, era: -1, end: 0, isDatagram: true))
        trace("datagram \(number) to agent \(slot.number)")
        spool.landing.arm(
            arrival: Timestamp(microseconds: wallMicroseconds), dialect: .statsd,
            now: nowMs * 1_000)
        spool.landing.streamBuffer.copyBytes(from: text)
        spool.landing.fill(text.count)
        // Killed within its write, or while it makes the segment for it.
        if profile.crashes, choices.chance(profile.faults) {
            slot.machine?.actionsLeft = choices.below(2)
        }
        spool.append()
        if slot.machine?.isDead == true { kill(slot) }
    }
}
