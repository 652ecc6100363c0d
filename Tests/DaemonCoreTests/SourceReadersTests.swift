import IngestCore
import QuipuModel
import Testing

/// What `#expect` may call.
private final class Readers {
    private var readers = SourceReaders()

    func opened(_ source: Int64, by connection: Int) { readers.opened(source, by: connection) }
    func finished(_ source: Int64, by connection: Int) {
        readers.finished(source, by: connection)
    }
    func disconnected(_ connection: Int) { readers.disconnected(connection) }
    func mayLose(_ source: Int64, by connection: Int, nowMs: Int64) -> Bool {
        readers.mayLose(source, by: connection, nowMs: nowMs)
    }
}

@Suite struct SourceReadersTests {
    private let patienceMs = Int64(Limits.lossPatienceMs)

    @Test func aLossCountsWhenNobodyElseReads() {
        let readers = Readers()
        readers.opened(7, by: 1)
        #expect(readers.mayLose(7, by: 1, nowMs: 0))
        readers.opened(7, by: 1)
        readers.opened(7, by: 2)
        #expect(!readers.mayLose(7, by: 1, nowMs: 0))
        #expect(readers.mayLose(8, by: 1, nowMs: 0))
        readers.finished(7, by: 2)
        #expect(readers.mayLose(7, by: 1, nowMs: 0))
    }

    @Test func twoThatCanReadNoMoreDoNotWaitForEachOther() {
        let readers = Readers()
        readers.opened(7, by: 1)
        readers.opened(7, by: 2)
        #expect(!readers.mayLose(7, by: 1, nowMs: 0))
        #expect(readers.mayLose(7, by: 2, nowMs: 0))
    }

    @Test func whoIsGoneOrDoesNothingIsNotWaitedFor() {
        let readers = Readers()
        readers.opened(7, by: 2)
        #expect(!readers.mayLose(7, by: 1, nowMs: 0))
        // It asks where to go on before it tells again.
        readers.opened(7, by: 1)
        #expect(!readers.mayLose(7, by: 1, nowMs: patienceMs - 1))
        #expect(readers.mayLose(7, by: 1, nowMs: patienceMs))
        readers.opened(9, by: 2)
        readers.disconnected(2)
        #expect(readers.mayLose(9, by: 1, nowMs: 0))
    }
}
