internal import QuipuModel

/// What must be true at the end.
extension World {
    func check() {
        let contents = daemon.store.contents
        // Of two agents one may know of the end of a file what the other does not.
        if profile.agents == 1 {
            for violation in contents.violations { violated(violation) }
        }
        var counts = [Int](repeating: 0, count: records.count)
        // Of a record that is broken, too.
        var isThereInPart = [Bool](repeating: false, count: records.count)
        for row in contents.rows {
            guard records.indices.contains(row.number) else {
                violated("record \(row.number) was never written")
                continue
            }
            isThereInPart[row.number] = true
            // What is left of a torn or broken record is told as such, not as the record.
            if row.hash == nil || records[row.number].hash == row.hash { counts[row.number] += 1 }
        }
        var missingDatagrams: UInt64 = 0
        var missingBytes = 0
        // Of a deleted file one agent may tell the end as lost before another, which still has it
        // open, has reached the daemon: it is told, and not silent.
        var toldBytes = profile.agents == 1 ? 0 : Int(clamping: contents.lostBytes)
        var storedBytes = [Int](repeating: 0, count: eras.count)
        for (number, record) in records.enumerated() {
            let count = counts[number]
            if count > 1 { violated("record \(number) is there \(count) times") }
            if record.isDatagram {
                missingDatagrams += count == 0 ? 1 : 0
            } else if count > 0 {
                storedBytes[record.era] = max(storedBytes[record.era], record.end)
            } else if isExpected(record) {
                let bytes = record.end - record.start
                if eras[record.era].isUnlinked, toldBytes >= bytes {
                    toldBytes -= bytes
                } else {
                    violated("record \(number) is missing, era \(record.era)")
                }
            } else if !isThereInPart[number], wasSeen(record) {
                missingBytes += record.end - record.start
            }
        }
        if contents.tellsLosses, missingDatagrams != contents.lostDatagrams {
            violated(
                "\(missingDatagrams) datagrams are missing, \(contents.lostDatagrams) told of")
        }
        if profile.agents == 1, contents.tellsLosses {
            checkLosses(contents, storedBytes, least: missingBytes)
        }
    }

    private func isExpected(_ record: Record) -> Bool {
        let era = eras[record.era]
        if record.isSkipped || record.end > era.writtenBytes { return false }
        return !era.isDestroyed && !era.mayBeLost
    }

    /// An agent that lived on knew of it when it was destroyed.
    private func wasSeen(_ record: Record) -> Bool {
        let era = eras[record.era]
        return era.isDestroyed && !era.mayBeLost && !record.isSkipped && record.end <= era.seenBytes
    }

    /// What is said to be lost was destroyed, and what was known and destroyed is told.
    private func checkLosses(_ contents: StoreContents, _ storedBytes: [Int], least: Int) {
        var most = 0
        for (era, stored) in zip(eras, storedBytes) where era.isDestroyed || era.mayBeLost {
            most += max(0, era.writtenBytes - stored)
        }
        let told = Int(clamping: contents.lostBytes)
        if told > most { violated("\(told) bytes told as lost, \(most) are") }
        if told < least {
            violated("\(told) bytes told as lost, \(least) were known of")
        }
    }
}
