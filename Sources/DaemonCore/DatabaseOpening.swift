internal import Logging
internal import Platform
internal import QuipuModel
internal import QuipuStore

/// Opens the database, whatever is there: what is damaged is set aside and a new one begun.
struct DatabaseOpening: Sendable {
    /// What is set aside in one attempt: the log, then the database.
    private static let attemptsMax = 3

    let condition: DiskCondition
    let machine: Machine
    let log: Logger
    let progress: WorkProgress

    private var files: DatabaseFiles { condition.files }

    /// At the start: memory stands in where the disk fails, since agents keep what it is told.
    func open() async throws(StoreError) -> any Store {
        condition.lookForDamaged()
        do throws(StoreError) {
            let store = try await openFile()
            do throws(StoreError) {
                try await store.settle()
            } catch {
                // A reader may hold the log; anything else the first commit will meet again.
                log.warning("the write-ahead log stays: \(error)")
            }
            condition.took(true)
            files.keepBallast()
            return store
        } catch {
            switch error.diskFault {
            case .full, .failing, .locked, .held:
                let fault = error.diskFault == .failing && !files.hasRoom ? .full : error.diskFault
                condition.problem = PersistenceSwitch.problem(fault, error)
                log.error("memory stands in for the database: \(error)")
                let memory = try await machine.store(path: nil, progress: progress)
                if files.hasRoomToOpen {
                    try? await memory.copyRecent(from: files.path, since: PersistenceSwitch.recent)
                }
                return memory
            case .denied, .damaged, nil: throw error
            }
        }
    }

    func openFile() async throws(StoreError) -> SQLiteStore {
        if let emptied = files.emptied {
            try setAside("it is empty or overwritten", logOnly: emptied == .log)
        }
        if !files.hasRoomToOpen { files.giveUpBallast() }
        guard files.hasRoomToOpen else { throw .diskIsFull }
        var hasBallast = true
        for _ in 0..<Self.attemptsMax {
            do throws(StoreError) {
                let store = try await machine.store(
                    path: files.path, logBytes: files.logBytes, progress: progress)
                guard
                    let damage = try await store.findDamage(milliseconds: Limits.damageSearchMs)
                else { return store }
                await store.close()
                try setAside(damage, logOnly: false)
            } catch {
                switch error.diskFault {
                case .damaged: try setAside("\(error)", logOnly: false)
                case .full, .failing:
                    guard hasBallast else { throw error }
                    hasBallast = false
                    files.giveUpBallast()
                default: throw error
                }
            }
        }
        return try await machine.store(
            path: files.path, logBytes: files.logBytes, progress: progress)
    }

    private func setAside(_ why: String, logOnly: Bool) throws(StoreError) {
        do throws(SystemError) {
            let now = Timestamp(microseconds: WallClock.microseconds())
            let name = try files.setAside(at: now, logOnly: logOnly)
            log.error("the database is damaged (\(why)): set aside as \(name), a new one begins")
        } catch {
            throw .failed(code: error.code, message: "\(error)")
        }
        condition.lookForDamaged()
    }
}
