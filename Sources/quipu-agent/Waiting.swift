import Platform
import Synchronization

/// Waiting for asynchronous work where nothing else is asynchronous.
enum Waiting {
    private final class Box<Value: Sendable>: Sendable {
        let value = Mutex<Result<Value, any Error>?>(nil)
    }

    /// Blocks this thread until `body` is done.
    static func result<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let done = try WakeUp()
        let box = Box<Value>()
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.value.withLock { $0 = result }
            done.signal()
        }
        var poller = try Poller(eventsPerWait: 1)
        try poller.add(done.raw, .read, token: 0)
        while true {
            try poller.wait(milliseconds: nil) { _ in }
            if let result = box.value.withLock({ $0 }) { return try result.get() }
        }
    }
}
