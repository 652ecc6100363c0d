/// First in, first out; taking is constant time on average.
struct Queue<Element> {
    private var items: [Element?] = []
    private var start = 0

    var count: Int { items.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) { items.append(element) }

    mutating func popFirst() -> Element? {
        guard start < items.count else { return nil }
        let element = items[start]
        items[start] = nil
        start += 1
        if start == items.count {
            removeAll()
        } else if start >= 32, start * 2 >= items.count {
            items.removeFirst(start)
            start = 0
        }
        return element
    }

    mutating func removeAll() {
        items.removeAll(keepingCapacity: items.count <= 64)
        start = 0
    }
}
