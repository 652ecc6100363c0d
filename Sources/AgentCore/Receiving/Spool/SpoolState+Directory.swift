import Platform

/// When somebody deletes, moves or replaces the spool's directory while it is in use.
extension SpoolState {
    /// Whether the landing and the segments still have their names. What has none is written no
    /// more, and what was not read of it is a loss. True when the reader is to look.
    mutating func lookAtDirectory(_ landing: Landing) -> Bool {
        isLandingGone = !landing.isInPlace(directory, system)
        mustRestore = isLandingGone
        let gone = segments.filter { segment in
            do throws(SystemError) {
                _ = try system.status(path(segment.id), followingLinks: false)
                return false
            } catch {
                return error.isMissing
            }
        }
        for segment in gone {
            if !segment.isSealed { seal() }
            shorten(segment.id, to: segment.handedOver)
        }
        return !gone.isEmpty
    }

    /// Makes the directory anew, and the landing's file in it. Only while nothing is received.
    /// False when it can't be written.
    @discardableResult
    mutating func restore(_ landing: Landing) -> Bool {
        mustRestore = false
        isLandingGone = true
        do {
            try landing.replace(directory, system)
        } catch {
            note(error)
            return false
        }
        isLandingGone = false
        figures.restorations += 1
        return true
    }
}
