/// Lets what several ask for at once run one after the other, in the order of the asking.
///
/// Each waits for the task before it and for nothing else. Waiting in a loop until none runs kept
/// an actor from the very task that would have said so.
struct Turns<Value: Sendable> {
    private var newest: Task<Value, Never>?

    mutating func take(_ body: @escaping @Sendable () async -> Value) -> Task<Value, Never> {
        let before = newest
        let task = Task {
            _ = await before?.value
            return await body()
        }
        newest = task
        return task
    }
}
