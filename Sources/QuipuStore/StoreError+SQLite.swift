import GRDB
import GRDBSQLite

extension StoreError {
    /// Any error of this layer as one of ours.
    init(_ error: any Error) {
        switch error {
        case let known as StoreError: self = known
        case let failure as SQLiteFailure:
            self.init(code: failure.code, message: failure.message)
        case let failure as DatabaseError:
            self.init(
                code: failure.extendedResultCode.rawValue, message: failure.message ?? "no message")
        case is CancellationError:
            self = .failed(code: SQLITE_INTERRUPT, message: "the question was withdrawn")
        default: self = .failed(code: SQLITE_ERROR, message: String(describing: error))
        }
    }

    private init(code: Int32, message: String) {
        // GRDB says MISUSE for a connection that was closed.
        self = code & 0xff == SQLITE_MISUSE ? .closed : .failed(code: code, message: message)
    }
}
